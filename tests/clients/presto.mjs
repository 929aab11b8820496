// Drives a server as the npm package presto-client does. Argument: the server's address.
import assert from 'node:assert/strict';
import presto from 'presto-client';
import { types, typesSql, millionSql, endlessSql } from './types.mjs';

const { hostname, port } = new URL(process.argv[2]);
const clients = Object.fromEntries(['presto', 'trino'].map((engine) => [engine, new presto.Client({
  host: hostname, port, user: 'presto', catalog: 'naru', schema: 'app', engine, checkInterval: 20,
})]));

function ask(client, query, options = {}) {
  return new Promise((resolve) => {
    const answer = { columns: null, rows: [], error: null };
    client.execute({
      query,
      columns: (error, columns) => { answer.columns = columns; },
      data: (error, rows) => answer.rows.push(...rows),
      success: (error, stats) => resolve({ ...answer, stats }),
      error: (error) => resolve({ ...answer, error }),
      ...options,
    });
  });
}

const steps = {
  async connect(client) {
    assert.deepEqual((await ask(client, 'SELECT 1 AS one')).rows, [[1]]);
  },

  async catalog(client) {
    assert.deepEqual((await ask(client, 'SHOW CATALOGS')).rows, [['naru'], ['system']]);
    assert.ok((await ask(client, 'SHOW TABLES')).rows.flat().includes('page_view'));
    assert.deepEqual((await ask(client, 'SELECT count(*) FROM page_view')).rows, [[3]]);
    const nodes = await new Promise((resolve, reject) =>
      client.nodes((error, data) => (error ? reject(error) : resolve(data))));
    assert.equal(nodes.length, 1);
  },

  async types(client) {
    const { rows, columns } = await ask(client, typesSql);
    for (const [i, [sql, type, value]] of types.entries()) {
      assert.equal(columns[i].type, type, sql);
      assert.deepEqual(rows[0][i], value, sql);
    }
  },

  async million(client) {
    let next = 0;
    const { error } = await ask(client, millionSql, {
      data: (fault, rows) => {
        for (const [i] of rows) assert.equal(i, next++);
      },
    });
    assert.equal(error, null);
    assert.equal(next, 1000000);
  },

  async cancel(client) {
    let stop = false;
    const { error } = await ask(client, endlessSql, {
      state: () => { stop = true; },
      cancel: () => stop,
    });
    assert.equal(error.message, 'query fetch canceled by operation');
  },

  async kill(client) {
    const { error } = await ask(client, endlessSql, {
      state: (fault, id) => client.kill(id),
    });
    assert.equal(error.errorName, 'USER_CANCELED');
  },

  async errors(client) {
    const { error } = await ask(client, 'SELECT nope FROM page_view');
    assert.equal(error.errorName, 'COLUMN_NOT_FOUND');
    assert.equal(error.errorCode, 47);
  },

  async prepared(client) {
    const { rows } = await ask(client, 'EXECUTE query0 USING 41, 1', { prepares: ['SELECT ? + ?'] });
    assert.deepEqual(rows, [[42]]);
  },

  async info(client) {
    const { stats } = await ask(client, 'SELECT 1', { info: true });
    assert.equal(stats.state, 'FINISHED');
  },
};

for (const [engine, client] of Object.entries(clients)) {
  for (const [name, step] of Object.entries(steps)) {
    await step(client);
    console.log(`presto-client as ${engine} ${name}: ok`);
  }
}
process.exit(0);
