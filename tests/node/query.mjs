// Runs the SQL statement of standard input in plain DuckDB and prints its rows, one JSON array a line; doubles as the bits they are.
import { readFileSync } from 'node:fs';
import { DuckDBInstance, DuckDBTypeId } from '@duckdb/node-api';

const bits = (number) => new BigInt64Array(new Float64Array([number]).buffer)[0].toString();

const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
const reader = await connection.runAndReadAll(readFileSync(0, 'utf8'));
const doubles = reader.columnTypes().map((type) => type.typeId === DuckDBTypeId.DOUBLE);
const show = (value, column) => (value === null ? null : doubles[column] ? bits(value) : String(value));
process.stdout.write(reader.getRows().map((row) => JSON.stringify(row.map(show)) + '\n').join(''));
