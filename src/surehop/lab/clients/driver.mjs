// A client of Node's that asks as it is told: `driver.mjs CLIENT`; NODE_MODULES_DIR is `node_modules`.
// As driver.py: `{"version": …}` when ready, a line with the lanes is read, one line a request is written.
import { Agent as HttpAgent } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(`${process.env.NODE_MODULES_DIR}/`);
const client = process.argv[2];
const now = () => (performance.timeOrigin + performance.now()) / 1000;
const sleep = (seconds) => new Promise((done) => setTimeout(done, Math.max(0, seconds * 1000)));
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// As an application that uses the client would: what was thrown, what it was caused by, and, where the error has
// its request, whether the connection had been used before.
function log(error) {
  const causes = [];
  for (let one = error; one instanceof Error; one = one.cause) causes.push(one);
  const told = causes.map((one) => {
    const request = one.request?._currentRequest ?? one.request;
    const known = [one.code && `code: '${one.code}'`, request && `reusedSocket: ${request.reusedSocket}`].filter(Boolean);
    return one.stack + (known.length ? ` {\n  ${known.join(",\n  ")}\n}` : "");
  });
  process.stderr.write(`${new Date().toISOString()} ERROR ${told.join("\n  [cause]: ")}\n`);
}

function axios({ retrying }) {
  const axios = require("axios");
  return (lane) => {
    const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 50 });
    const instance = axios.create({ httpAgent, proxy: false, validateStatus: () => true });
    if (retrying) {
      const { default: retry, exponentialDelay } = require("axios-retry");
      const { retries = 3, delay, factor = 0.1 } = lane.options;
      // Only an error status that axios raises is retried.
      instance.defaults.validateStatus = (status) => status < 500;
      // It has no delay unless told.
      const retryDelay = (count, error) => exponentialDelay(count, error, factor * 1000);
      retry(instance, { retries, ...(delay === "exponential" && { retryDelay }) });
    }
    const ask = async (url, headers) => {
      const timeout = lane.timeout * 1000;
      const data = lane.body ?? undefined;
      try {
        const answer = await instance.request({ url, method: lane.method, headers, data, timeout, responseType: "arraybuffer" });
        return { status: answer.status, size: answer.data.length };
      } catch (error) {
        // Where its body broke off there is a response too, without data.
        if (error.code?.startsWith("ERR_BAD_RE") && error.response.data) return { status: error.response.status, size: error.response.data.length };
        throw error;
      }
    };
    return { ask, close: () => httpAgent.destroy() };
  };
}

function undici(lane) {
  const { Agent, request } = require("undici");
  const wait = lane.timeout * 1000;
  const dispatcher = new Agent({ connections: 50, headersTimeout: wait, bodyTimeout: wait });
  const ask = async (url, headers) => {
    const answer = await request(url, { dispatcher, method: lane.method, headers, body: lane.body });
    const body = await answer.body.arrayBuffer();
    return { status: answer.statusCode, size: body.byteLength };
  };
  return { ask, close: () => dispatcher.close() };
}

const clients = {
  axios: { make: axios({ retrying: false }), packages: ["axios"] },
  "axios-retry": { make: axios({ retrying: true }), packages: ["axios", "axios-retry"] },
  undici: { make: undici, packages: ["undici"] },
};

async function one(make, kept, lane, index, turn, place) {
  const url = lane.url + (lane.paths.length ? lane.paths[turn % lane.paths.length] : "");
  const id = `${lane.prefix}-${turn}${lane.at_once > 1 ? `-${place}` : ""}`;
  const at = now();
  const { ask, close } = kept ?? make(lane);
  let found;
  try {
    found = await ask(url, { ...lane.headers, "X-Request-Id": id });
  } catch (error) {
    log(error);
    found = { status: 0, code: error.code ?? error.name, message: error.message };
  }
  if (!kept) await close();
  tell({ id, lane: index, at, took: now() - at, ...found });
}

async function play(make, lane, index, start) {
  const kept = lane.fresh ? undefined : make(lane);
  let due = start + lane.after;
  for (let turn = 0; turn < lane.times; turn += 1) {
    await sleep(due - now());
    due = now() + lane.every;
    await Promise.all(Array.from({ length: lane.at_once }, (_, place) => one(make, kept, lane, index, turn, place)));
  }
}

const { make, packages } = clients[client];
const versions = packages.map((name) => `${name} ${require(`${process.env.NODE_MODULES_DIR}/${name}/package.json`).version}`);
packages.forEach((name) => require(name));
const own = versions.length > 1 ? versions.join(", ") : versions[0].split(" ")[1];
tell({ version: `${own}, Node ${process.version.slice(1)}` });
for await (const line of createInterface({ input: process.stdin })) {
  const lanes = JSON.parse(line);
  const start = now();
  await Promise.all(lanes.map((lane, index) => play(make, lane, index, start)));
  tell({ done: true });
  break;
}
process.exit(0);
