// One client of Node, asked over and over: `driver.mjs CLIENT AT_ONCE SECONDS URL` prints one line of JSON.
// As driver.py; the folder that holds `node_modules` is in BENCH_MODULES.
import { Agent as HttpAgent } from "node:http";
import { createRequire } from "node:module";

const WARM_UP = 1; // seconds
const require = createRequire(`${process.env.BENCH_MODULES}/`);
const [client, atOnce, seconds, url] = process.argv.slice(2);

function need(good) {
  if (!good) throw new Error("an answer was not what the server says");
}

const clients = {
  undici() {
    const { Agent, request } = require("undici");
    const dispatcher = new Agent({ connections: 50 });
    return async () => {
      const answer = await request(url, { dispatcher });
      const body = await answer.body.text();
      need(answer.statusCode === 200 && body.length > 0);
    };
  },
  axios() {
    const axios = require("axios");
    const { default: retry } = require("axios-retry");
    const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 50 });
    const instance = axios.create({ httpAgent });
    retry(instance, { retries: 3 });
    return async () => {
      const answer = await instance.get(url);
      need(answer.status === 200 && answer.data.length > 0);
    };
  },
};

async function ask(get, duration) {
  const [clock, cpu] = [performance.now(), process.cpuUsage()];
  const until = clock + duration * 1000;
  let requests = 0;
  const work = async () => {
    while (performance.now() < until) {
      await get();
      requests += 1;
    }
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, work));
  const used = process.cpuUsage(cpu);
  return {
    requests,
    seconds: (performance.now() - clock) / 1000,
    user: used.user / 1e6,
    system: used.system / 1e6,
  };
}

const get = clients[client]();
await ask(get, WARM_UP);
const figures = await ask(get, Number(seconds));
const names = { undici: ["undici"], axios: ["axios", "axios-retry"] }[client];
const versions = names.map((name) => {
  const { version } = require(`./node_modules/${name}/package.json`);
  return names.length > 1 ? `${name} ${version}` : version;
});
console.log(JSON.stringify({ ...figures, version: `${versions.join(", ")} on Node ${process.version}` }));
process.exit(0);
