// Two requests over kept-alive connections; how the second one ended is printed.
// asking.mjs CLIENT URL METHOD reused|fresh, with NODE_MODULES_DIR for what is not Node's own.
import http from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [client, url, method, connection] = process.argv.slice(2)
const load = createRequire(join(process.env.NODE_MODULES_DIR || process.cwd(), 'any.js'))
const agent = new http.Agent({ keepAlive: true })
const body = (m) => (m === 'POST' ? 'x' : undefined)

function plain(m) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: m, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    request.on('error', reject).end(body(m))
  })
}

async function fetched(m) {
  const response = await fetch(url, { method: m, body: body(m) })
  await response.text()
  return response.status
}

function undici() {
  const { request } = load('undici')
  return async (m) => {
    const response = await request(url, { method: m, body: body(m) })
    await response.body.text()
    return response.statusCode
  }
}

function axios(retried) {
  const made = load('axios').create({ httpAgent: agent })
  if (retried) load('axios-retry').default(made)
  return async (m) => (await made.request({ url, method: m, data: body(m) })).status
}

const clients = {
  'node-http': () => plain,
  'node-fetch': () => fetched,
  undici,
  axios: () => axios(false),
  'axios-retry': () => axios(true),
}
const ask = clients[client]()
if (connection === 'reused') await ask('GET')
try {
  console.log(await ask(method))
} catch (error) {
  const cause = error.cause ?? error
  console.log(`${cause.code} ${cause.message}`)
}
process.exit(0)
