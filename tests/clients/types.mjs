// Every type: an expression, the type's name and the value that a client is given for it. Clients that do not say that
// they know timestamp(6), which are both of these, are given milliseconds.
export const types = [
  ['true', 'boolean', true],
  ['CAST(1 AS TINYINT)', 'tinyint', 1],
  ['CAST(-32768 AS SMALLINT)', 'smallint', -32768],
  ['2147483647', 'integer', 2147483647],
  ['CAST(9007199254740991 AS BIGINT)', 'bigint', 9007199254740991],
  ['CAST(200 AS UTINYINT)', 'smallint', 200],
  ['CAST(60000 AS USMALLINT)', 'integer', 60000],
  ['CAST(4000000000 AS UINTEGER)', 'bigint', 4000000000],
  ['CAST(18446744073709551615 AS UBIGINT)', 'decimal(20,0)', '18446744073709551615'],
  ['CAST(12345678901234567890123 AS HUGEINT)', 'decimal(38,0)', '12345678901234567890123'],
  ["CAST('1.5' AS REAL)", 'real', 1.5],
  ["CAST('2.5' AS DOUBLE)", 'double', 2.5],
  ["CAST('NaN' AS DOUBLE)", 'double', 'NaN'],
  ["CAST('-Infinity' AS DOUBLE)", 'double', '-Infinity'],
  ['CAST(-12.340 AS DECIMAL(18,3))', 'decimal(18,3)', '-12.340'],
  ["'한글 \"quoted\"'", 'varchar', '한글 "quoted"'],
  ["X'00ff'", 'varbinary', 'AP8='],
  ["DATE '2024-02-29'", 'date', '2024-02-29'],
  ["TIME '01:02:03'", 'time', '01:02:03.000'],
  ["TIMESTAMP '2024-01-01 00:00:00.1239'", 'timestamp', '2024-01-01 00:00:00.124'],
  ["TIMESTAMP '2024-01-01 00:00:00 UTC'", 'timestamp with time zone', '2024-01-01 09:00:00.000 Asia/Seoul'],
  ["CAST('{\"a\": 1}' AS JSON)", 'json', '{"a": 1}'],
  ["CAST('12345678-1234-5678-1234-567812345678' AS UUID)", 'uuid', '12345678-1234-5678-1234-567812345678'],
  ['ARRAY[1, NULL, 3]', 'array(integer)', [1, null, 3]],
  ["MAP {'a': 1, 'b': 2}", 'map(varchar, integer)', { a: 1, b: 2 }],
  ["{'x': 1, 'y': 'two'}", 'row(x integer, y varchar)', [1, 'two']],
  ["CAST('01:02:03.5+09:30' AS TIMETZ)", 'time with time zone', '01:02:03.500+09:30'],
  ["CAST('10110' AS BIT)", 'varchar', '10110'],
  ["union_value(n := 7)", 'varchar', '7'],
  ["INTERVAL '1' SECOND", 'varchar', '0 00:00:01.000'],
  ["INTERVAL '14' MONTH", 'varchar', '1-2'],
  ['CAST(NULL AS BIGINT)', 'bigint', null],
];

export const typesSql = `SELECT ${types.map(([sql], i) => `${sql} AS c${i}`).join(', ')}`;

// A thousand values of a thousand: a million rows without a table.
export const millionSql = 'SELECT i, \'row \' || i AS name FROM range(1000000) t(i)';

// Ends only when it is stopped.
export const endlessSql = 'SELECT count(*) FROM range(100000000000) a(i), range(100000000000) b(j) WHERE i + j = -1';
