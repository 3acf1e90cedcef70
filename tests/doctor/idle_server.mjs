// A real Node server that says when it closed: `idle_server.mjs '{"keepAliveTimeout": 1000}'`.
// It prints its port; for each line that it reads, the ms that each closed connection had rested.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const rested = [];
const server = createServer((request, response) => {
  const { socket } = request;
  response.on("finish", () => (socket.since = performance.now()));
  response.end("ok\n");
});
Object.assign(server, JSON.parse(process.argv[2]));
server.on("connection", (socket) => {
  socket.on("close", () => socket.since && rested.push(performance.now() - socket.since));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

const lines = createInterface({ input: process.stdin });
lines.on("line", () => console.log(JSON.stringify(rested)));
lines.on("close", () => process.exit(0));
