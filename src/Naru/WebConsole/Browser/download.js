// Answers of any size as files.

import { h } from "./dom.js";
import { send } from "./ask-server.js";

export const fileFormats = [["csv", "CSV"], ["xlsx", "Excel"], ["parquet", "Parquet"], ["json", "JSON"], ["ndjson", "NDJSON"]];

/** The server keeps the statement for a moment and streams it to the browser's own download, however large. */
export async function download(statement, format) {
  const { path } = await send("POST", `/v1/downloads?format=${format}${format === "csv" ? "&bom=1" : ""}`, { sql: statement });
  const link = h("a", { href: path, download: "" });
  document.body.append(link);
  link.click();
  link.remove();
}
