// What may be asked: tables, columns and functions, for completion and for the list beside the editor.

import { get, identifier, objects, sql } from "./ask-server.js";

const columnsSql = `SELECT table_schema, table_name, column_name, data_type
FROM information_schema.columns
ORDER BY table_schema, table_name, ordinal_position`;

const keywords = `SELECT FROM WHERE GROUP BY ORDER BY HAVING LIMIT WITH AS JOIN LEFT JOIN ON USING UNION ALL DISTINCT CASE
WHEN THEN ELSE END AND OR NOT IN IS NULL BETWEEN LIKE ILIKE DESC ASC NULLS LAST OVER PARTITION BY FILTER CAST INTERVAL
DATE TIMESTAMP EXISTS OFFSET QUALIFY VALUES EXPLAIN DESCRIBE SHOW TABLES SUMMARIZE current_date`
  .split(/\s+/).filter((word, index, all) => all.indexOf(word) === index);

/** {tables: Map("schema.table" → {schema, name, columns, description, owner}), functions}. */
export async function catalog() {
  const [columns, logs, functions] = await Promise.all([sql(columnsSql, { rowsMax: 100_000 }), get("/v1/definitions"), get("/v1/functions")]);
  const tables = new Map();
  for (const row of objects(columns)) {
    const full = `${row.table_schema}.${row.table_name}`;
    if (!tables.has(full)) tables.set(full, { full, schema: row.table_schema, name: row.table_name, columns: [] });
    tables.get(full).columns.push({ name: row.column_name, type: row.data_type });
  }
  for (const row of logs.logs) Object.assign(tables.get(row.log) ?? {}, { description: row.description, owner: row.owner });
  return { tables, functions: functions.functions };
}

/** How a statement names a table. */
export const reference = table => `${identifier(table.schema)}.${identifier(table.name)}`;

/** Completions at a place: `before` is the text up to the word that is being written. */
export function completions(known, before, whole) {
  const inside = /([\w$"]+)\.$/.exec(before);
  if (inside !== null) return members(known, inside[1].replaceAll('"', ""), whole);
  const used = tablesIn(known, whole);
  return [
    ...keywords.map(word => ({ caption: word, value: word, meta: "SQL", score: 10 })),
    ...[...known.tables.values()].map(table => ({
      caption: table.full, value: reference(table), meta: "table", score: 60, docText: table.description ?? "",
    })),
    ...schemas(known).map(schema => ({ caption: schema, value: schema, meta: "schema", score: 40 })),
    ...used.flatMap(table => table.columns.map(column => columnItem(column, 100))),
    ...known.functions.map(name => ({ caption: `${name}()`, value: `${name}(`, meta: "function", score: 20 })),
  ];
}

const schemas = known => [...new Set([...known.tables.values()].map(table => table.schema))];

const columnItem = (column, score) => ({
  caption: column.name, value: identifier(column.name), meta: column.type.toLowerCase().slice(0, 24),
  // The log's own fields before what Naru adds to each.
  score: score - (column.name.startsWith("_") ? 50 : 0),
});

/** After a dot: tables of a schema, or columns of a table or of the name that it has in the statement. */
function members(known, name, whole) {
  const tables = [...known.tables.values()].filter(table => table.schema === name);
  if (tables.length > 0) {
    return tables.map(table => ({
      caption: table.name, value: identifier(table.name), meta: "table", score: 100, docText: table.description ?? "",
    }));
  }
  const alias = new RegExp(`\\b(?:from|join)\\s+([\\w.$"]+)\\s+(?:as\\s+)?${name.replaceAll("$", "\\$")}\\b`, "i").exec(whole);
  const wanted = alias ? find(known, alias[1]) : find(known, name);
  return (wanted?.columns ?? []).map(column => columnItem(column, 100));
}

function find(known, written) {
  const plain = written.replaceAll('"', "");
  return known.tables.get(plain) ?? ["mart", "agg", "naru"].map(schema => known.tables.get(`${schema}.${plain}`)).find(Boolean)
    ?? [...known.tables.values()].find(table => table.name === plain);
}

function tablesIn(known, whole) {
  const found = [...whole.matchAll(/\b(?:from|join)\s+([\w.$"]+)/gi)].map(match => find(known, match[1])).filter(Boolean);
  return [...new Set(found)];
}
