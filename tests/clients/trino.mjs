// Drives a server as the npm package trino-client does. Arguments: the server's address, and the steps (default: all).
// NARU_KEY, when set, is sent as the password.
import assert from 'node:assert/strict';
import { BasicAuth, Trino } from 'trino-client';
import { types, typesSql, millionSql, endlessSql } from './types.mjs';

const server = process.argv[2];
const key = process.env.NARU_KEY;
const auth = key ? new BasicAuth('anyone', key) : undefined;
const trino = () => Trino.create({ server, auth, catalog: 'naru', schema: 'app' });

async function ask(client, query) {
  const answer = { columns: null, rows: [], error: null, pages: 0 };
  for await (const page of await client.query(query)) {
    answer.id = page.id;
    answer.columns = page.columns ?? answer.columns;
    answer.rows.push(...(page.data ?? []));
    answer.error = page.error ?? null;
    answer.pages += page.data ? 1 : 0;
    answer.updateType = page.updateType;
  }
  return answer;
}

const steps = {
  async connect() {
    const { rows, columns } = await ask(trino(), 'SELECT 1 AS one');
    assert.deepEqual(rows, [[1]]);
    assert.equal(columns[0].name, 'one');
  },

  async catalog() {
    const client = trino();
    assert.deepEqual((await ask(client, 'SHOW CATALOGS')).rows, [['naru'], ['system']]);
    const schemas = (await ask(client, 'SHOW SCHEMAS')).rows.flat();
    assert.ok(schemas.includes('app') && schemas.includes('information_schema'), schemas.join());
    assert.ok((await ask(client, 'SHOW TABLES')).rows.flat().includes('page_view'));
    const columns = (await ask(client, 'DESCRIBE page_view')).rows;
    assert.deepEqual(columns.find(([name]) => name === '_event_time').slice(0, 2), ['_event_time', 'timestamp with time zone']);
    const page = columns.find(([name]) => name === 'page');
    assert.deepEqual(page, ['page', 'varchar', '', 'Path of the page']);
    const listed = await ask(client, "SELECT table_schema, table_name, column_name, data_type, comment FROM naru.information_schema.columns WHERE table_schema = 'app' AND column_name = 'page'");
    assert.deepEqual(listed.rows, [['app', 'page_view', 'page', 'varchar', 'Path of the page']]);
    const counted = await ask(client, 'SELECT count(*) FROM page_view');
    assert.deepEqual(counted.rows, [[3]]);
  },

  async types() {
    const { rows, columns } = await ask(trino(), typesSql);
    for (const [i, [sql, type, value]] of types.entries()) {
      assert.equal(columns[i].type, type, sql);
      assert.deepEqual(rows[0][i], value, sql);
      assert.equal(columns[i].typeSignature.rawType, type.replace(/\(.*\)$/, ''), sql);
    }
  },

  async million() {
    const client = trino();
    let next = 0;
    let pages = 0;
    for await (const page of await client.query(millionSql)) {
      for (const [i, name] of page.data ?? []) {
        assert.equal(i, next);
        assert.equal(name, `row ${next}`);
        next++;
      }
      pages++;
    }
    assert.equal(next, 1000000);
    console.log(`1000000 rows in ${pages} pages`);
  },

  async cancel() {
    const client = trino();
    const rows = await client.query(endlessSql);
    const first = rows.iter.queryResult;
    await client.cancel(first.id);
    let last;
    for await (const page of rows) last = page;
    assert.equal(last.error.errorName, 'USER_CANCELED');
    assert.equal((await client.queryInfo(first.id)).state, 'FAILED');
  },

  async errors() {
    const client = trino();
    const expected = [
      ['SELEC 1', 'SYNTAX_ERROR', 1, { lineNumber: 1, columnNumber: 1 }],
      ['SELECT\n  nope FROM page_view', 'COLUMN_NOT_FOUND', 47, { lineNumber: 2, columnNumber: 3 }],
      ['SELECT * FROM nope', 'TABLE_NOT_FOUND', 46, { lineNumber: 1, columnNumber: 15 }],
      ['SELECT nope(1)', 'FUNCTION_NOT_FOUND', 6, { lineNumber: 1, columnNumber: 8 }],
      ['CREATE TABLE t (a integer)', 'NOT_SUPPORTED', 13, undefined],
      ["SELECT CAST('x' AS INTEGER)", 'INVALID_CAST_ARGUMENT', 9, undefined],
      ['USE naru.nope', 'SCHEMA_NOT_FOUND', 45, undefined],
      ['SHOW SCHEMAS FROM nope', 'CATALOG_NOT_FOUND', 44, undefined],
      ['EXECUTE nope', 'NOT_FOUND', 5, undefined],
    ];
    for (const [sql, name, code, place] of expected) {
      const { error } = await ask(client, sql);
      assert.equal(error?.errorName, name, `${sql}: ${JSON.stringify(error)}`);
      assert.equal(error.errorCode, code, sql);
      assert.equal(error.errorType, 'USER_ERROR', sql);
      assert.equal(error.failureInfo.message, error.message, sql);
      if (place) assert.deepEqual(error.errorLocation, place, sql);
    }
  },

  async prepared() {
    const client = trino();
    assert.equal((await ask(client, 'PREPARE find FROM SELECT ? AS a, ? AS b')).updateType, 'PREPARE');
    assert.deepEqual((await ask(client, "EXECUTE find USING 'it''s ?', -1")).rows, [["it's ?", -1]]);
    assert.deepEqual((await ask(client, 'DESCRIBE INPUT find')).rows, [[0, 'unknown'], [1, 'unknown']]);
    assert.deepEqual((await ask(client, "EXECUTE IMMEDIATE 'SELECT ''?'', ?' USING 7")).rows, [['?', 7]]);
  },

  async session() {
    const client = trino();
    await ask(client, 'USE naru.mart');
    assert.equal((await ask(client, 'SELECT current_schema AS s')).rows[0][0], 'mart');
    await ask(client, "SET SESSION query_max_run_time = '7m'");
    const property = (await ask(client, "SHOW SESSION LIKE 'query_max_run%'")).rows;
    assert.deepEqual(property[0].slice(0, 2), ['query_max_run_time', '7m']);
  },
};

const wanted = process.argv.slice(3);
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length === 0 || wanted.includes(name)) {
    await step();
    console.log(`trino-client ${name}: ok`);
  }
}
