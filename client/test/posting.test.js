import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Api } from "../api.js";
import { Backoff } from "../backoff.js";
import { Draft } from "../posting.js";
import { Tokens } from "../tokens.js";
import { comment } from "./support.js";

/** @type {{status: number, body?: object, headers?: Record<string, string>, cut?: boolean}[]} */
let answers = [];
/** @type {{key: unknown, authorization: unknown, body: any}[]} */
let asked = [];
const server = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const { authorization, "idempotency-key": key } = request.headers;
  asked.push({ key, authorization, body: JSON.parse(body) });
  const answer = answers.shift() ?? { status: 500 };
  if (answer.cut) return void request.socket.destroy();
  response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body ?? {}));
});
let base = "";

before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
after(() => server.close());

/** @param {typeof answers} told @param {import("../tokens.js").GetToken} [getToken] */
function draft(told, getToken) {
  answers = told;
  asked = [];
  return new Draft(new Api(base, new Tokens(getToken)), "demo", "Hello!");
}

const soon = () => ({ backoff: new Backoff(1, 5) });

test("a post is tried again through cuts and a server that is away, always the same one", async () => {
  const kept = comment(1);
  const sent = draft([{ status: 0, cut: true }, { status: 503, headers: { "retry-after": "0" } }, { status: 201, body: kept }]);
  assert.deepEqual(await sent.send(soon()), kept);
  assert.equal(asked.length, 3);
  assert.equal(new Set(asked.map(({ key }) => key)).size, 1);
  assert.deepEqual(asked.map(({ body }) => body), Array(3).fill({ text: "Hello!", nonce: sent.nonce }));
});

test("a refusal is not tried again, and says what the server said", async () => {
  for (const status of [400, 403, 422, 429]) {
    const body = { code: "a_code", detail: "Do it otherwise.", limit: 7 };
    const sent = draft([{ status, body, headers: { "retry-after": "3" } }]);
    const why = { status, code: "a_code", message: "Do it otherwise.", retryAfter: 3_000 };
    await assert.rejects(sent.send(soon()), (/** @type {any} */ problem) => {
      assert.deepEqual({ ...why, limit: 7 }, {
        ...{ status: problem.status, code: problem.code, message: problem.message },
        ...{ retryAfter: problem.retryAfter, limit: problem.extra.limit },
      });
      return true;
    });
    assert.equal(asked.length, 1);
  }
});

test("patience ends, and sending it again later is still the same comment", async () => {
  const sent = draft([{ status: 503 }, { status: 201, body: comment(1) }]);
  await assert.rejects(sent.send({ ...soon(), patience: 0 }), { status: 503 });
  await sent.send(soon());
  assert.equal(asked[0]?.key, asked[1]?.key);
});

test("a token that is refused is asked for anew, once", async () => {
  /** @type {boolean[]} */
  const renewals = [];
  const getToken = (/** @type {boolean} */ renew) => {
    renewals.push(renew);
    return `token${renewals.length}`;
  };
  const sent = draft([{ status: 401 }, { status: 201, body: comment(1) }, { status: 401 }, { status: 401 }], getToken);
  await sent.send(soon());
  assert.deepEqual(asked.map(({ authorization }) => authorization), ["Bearer token1", "Bearer token2"]);
  await assert.rejects(sent.send(soon()), { status: 401 });
  assert.deepEqual(renewals, [false, true, true]);
});

test("a token is kept while it lasts, and replaced before it ends", async () => {
  let count = 0;
  const made = (/** @type {number} */ seconds) =>
    `x.${btoa(JSON.stringify({ sub: "ädä", exp: Date.now() / 1000 + seconds, scope: "read post" })).replaceAll("=", "")}.x`;
  const tokens = new Tokens(() => made(count++ ? 3_600 : 10));
  await tokens.current();
  await tokens.current();
  await tokens.current();
  assert.equal(count, 2);
  assert.deepEqual([tokens.may("post"), tokens.may("moderate"), tokens.may("pos")], [true, false, false]);
});
