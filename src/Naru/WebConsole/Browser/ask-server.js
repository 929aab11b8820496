// All data comes from the public JSON routes: what a page shows, curl can get too.

/** What a route answered instead of its data, in the one error shape. */
export class ServerError extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.hint = error.hint;
    this.line = error.line;
    this.column = error.column;
  }
}

/** An answer that is fine, or a ServerError. */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new ServerError(0, { code: "unreachable", message: String(problem.message) });
  }
  if (response.ok) return response;
  const text = await response.text();
  let error;
  try {
    error = JSON.parse(text).error;
  } catch {
    error = null;
  }
  throw new ServerError(response.status, error ?? { code: "http", message: `${response.status} ${text.slice(0, 300)}` });
}

export const get = async path => parse(await (await request(path)).text());

/** Sends JSON; gives what came back, if anything did. */
export async function send(method, path, body) {
  const response = await request(path, body === undefined ? { method } : {
    method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
  });
  const text = await response.text();
  return text === "" ? null : parse(text);
}

/**
 * Asks SQL. Gives {columns, rows, row_count, truncated, elapsed_ms, id}; `objects` of it are rows by column name.
 * options: rowsMax, signal, begun(id).
 */
export async function sql(statement, options = {}) {
  const response = await request(`/v1/sql?format=json&max_rows=${options.rowsMax ?? 10000}`, {
    method: "POST",
    body: JSON.stringify({ sql: statement }),
    headers: { "Content-Type": "application/json" },
    signal: options.signal,
  });
  const answer = parse(await response.text());
  answer.id = response.headers.get("Naru-Query-Id");
  return answer;
}

/** Rows of an answer as objects. */
export function objects(answer) {
  const names = answer.columns.map(column => column.name);
  return answer.rows.map(row => Object.fromEntries(names.map((name, index) => [name, row[index]])));
}

/** JSON whose numbers keep all their digits: what a double would change stays text. */
export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context?.source !== undefined && loses(value, context.source)
      ? context.source : value);
}

// A decimal such as 3.600000 loses its scale as a double, an integer beyond 2^53 its end.
function loses(value, source) {
  return Number.isInteger(value) ? !Number.isSafeInteger(value) || source !== String(value) : source !== String(value);
}

/** A text as a literal of SQL. */
export const literal = text => `'${String(text).replaceAll("'", "''")}'`;

/** A name as SQL quotes it, where it needs to. */
export const identifier = name => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

/** Runs work at once and then every so often while the page is seen; never twice at a time. */
export function repeat(milliseconds, work) {
  let timer = 0;
  const run = async () => {
    clearTimeout(timer);
    await work();
    timer = setTimeout(() => (document.hidden ? undefined : run()), milliseconds);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) run();
  });
  return run();
}
