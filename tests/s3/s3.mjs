// A server that speaks S3 (s3rver) behind a door that can fail: GET /__fault/NAME sets what is wrong, "" nothing.
// Prints its port. Ends when its standard input does.
import http from "node:http";
import S3rver from "s3rver";

const inner = await new S3rver({
  address: "127.0.0.1", port: 0, silent: true, directory: process.argv[2], configureBuckets: [{ name: "lake" }],
}).run();
let fault = "";

function isFile(request) {
  return request.method === "GET" && (request.url.includes(".parquet") || request.url.includes(".csv"));
}

const door = http.createServer((request, answer) => {
  if (request.url.startsWith("/__fault/")) {
    fault = request.url.slice("/__fault/".length);
    answer.end();
    return;
  }
  if (fault === "500" || (fault === "500-files" && request.url.includes(".parquet"))
    || (fault === "500-manifest" && request.method === "PUT" && request.url.includes(".manifest.json"))) {
    request.resume();
    answer.statusCode = 500;
    answer.end("<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>broken</Message></Error>");
    return;
  }
  if (fault === "slow" && isFile(request)) {
    return;
  }
  const asked = http.request(
    { host: "127.0.0.1", port: inner.port, method: request.method, path: request.url, headers: request.headers },
    given => {
      answer.writeHead(given.statusCode, given.headers);
      let first = true;
      given.on("data", piece => {
        const bytes = Buffer.from(piece);
        if (fault === "wrong" && isFile(request) && first) bytes[0] ^= 1;
        first = false;
        answer.write(bytes);
      });
      given.on("end", () => answer.end());
    });
  asked.on("error", () => answer.destroy());
  request.pipe(asked);
});
door.listen(0, "127.0.0.1", () => console.log(door.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
