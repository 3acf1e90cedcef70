// A real Node server for the client's tests: `node_server.mjs '{"keepAliveTimeout": 1000, …}'`.
// It prints its port, then a line of JSON for each line that it reads; it ends with its standard input.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const { hold = 0, silent = false, ...settings } = JSON.parse(process.argv[2]);
const seen = { connections: 0, requests: 0, dropped: 0, open: 0 };

const server = createServer((request, response) => {
  seen.requests += 1;
  // Having been told this header, Node says no `Keep-Alive: timeout=…` of its own.
  if (silent) response.setHeader("Connection", "keep-alive");
  setTimeout(() => response.end("ok\n"), hold);
});
Object.assign(server, settings);
server.on("connection", (socket) => {
  seen.connections += 1;
  seen.open += 1;
  socket.on("close", () => (seen.open -= 1));
});
server.on("drop", () => (seen.dropped += 1));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

const lines = createInterface({ input: process.stdin });
lines.on("line", () => console.log(JSON.stringify(seen)));
lines.on("close", () => process.exit(0));
