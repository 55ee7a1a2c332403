// Proves what clients and proxies see of Fairway: policy, caching, streams, the API's document and problems, health, weight of a first page, a clean end.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, createGunzip } from 'node:zlib';
import { Fairway, kubectl, pause, until } from './harness.mjs';
import { openBrowser, openPage, visit } from './parts/browser.mjs';

/** What issue 4 names, in OpenAPI's spelling. */
const ROUTES = [
  'get /api/v1/services',
  'post /api/v1/services',
  'get /api/v1/services/{name}',
  'post /api/v1/preview',
  'get /api/v1/services/{name}/builds',
  'get /api/v1/services/{name}/environments/{environment}/diff',
  'post /api/v1/services/{name}/environments/{environment}/deploys',
  'get /api/v1/services/{name}/environments/{environment}/diagnosis',
  'post /api/v1/services/{name}/environments/{environment}/restarts',
  'get /api/v1/services/{name}/environments/{environment}/logs',
  'get /api/v1/services/{name}/environments/{environment}/logs/download',
  'get /api/v1/services/{name}/environments/{environment}/logs/status',
  'get /api/v1/services/{name}/environments/{environment}/logs/lines/{place}',
  'get /api/v1/services/{name}/environments/{environment}/purges',
  'post /api/v1/services/{name}/environments/{environment}/purges',
  'get /api/v1/services/{name}/environments/{environment}/redis',
  'get /api/v1/services/{name}/environments/{environment}/redis/keys',
  'get /api/v1/services/{name}/environments/{environment}/purge-schedules',
  'delete /api/v1/purge-schedules/{id}',
  'get /api/v1/jobs/{id}',
  'get /api/v1/jobs/{id}/events',
  'post /api/v1/jobs/{id}/retries',
  'post /api/v1/jobs/{id}/stop',
  'get /api/v1/activity',
];

let fairway, name, pages;

before(async () => {
  fairway = await Fairway.start();
  name = await fairway.create('edge', { redis: true });
  pages = ['/', '/new', '/activity', `/services/${name}`, `/services/${name}/logs?environment=staging`, `/services/${name}/purge?environment=staging`, `/services/${name}/redis?environment=staging`, `/services/${name}/redis/key?environment=staging&key=a`, `/services/${name}/deploys/1`, '/services/nobody', '/nowhere'];
});
after(() => fairway?.remove());

/** Opens a stream and keeps it open; gives its first words, its headers, and a way to wait for more. */
function stream(path, headers = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(fairway.url + path, { headers }, (answer) => {
      const opened = { headers: answer.headers, status: answer.statusCode, text: '', close: () => asked.destroy() };
      opened.ended = new Promise((done) => answer.once('close', done));
      opened.wire = () => answer.socket.bytesRead;
      const plain = answer.headers['content-encoding'] === 'gzip' ? answer.on('error', () => {}).pipe(createGunzip()) : answer;
      plain.setEncoding('utf8').on('data', (text) => (opened.text += text)).on('error', () => {});
      resolve(opened);
    });
    asked.once('error', reject).end();
  });
}

describe('pages', () => {
  test('run no script and no style but Fairway\'s own', async () => {
    for (const page of pages) {
      const { headers, body } = await fairway.rest.get(page);
      const policy = headers['content-security-policy'];
      assert.ok(policy, `${page} has a policy`);
      assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval(?<!wasm-unsafe-eval)/, page);
      assert.match(policy, /default-src 'none'/, page);
      assert.match(policy, /frame-ancestors 'none'/, page);
      const nonce = /'nonce-([^']{16,})'/.exec(policy)?.[1];
      assert.ok(nonce, `${page} has a nonce`);
      for (const [tag] of body.matchAll(/<script[^>]*>/g)) assert.ok(tag.includes(`nonce="${nonce}"`), `${page}: ${tag}`);
      assert.doesNotMatch(body, /\son[a-z]+="|<style|\sstyle="/, `${page} holds no handler and no style of its own`);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      const again = await fairway.rest.get(page);
      assert.notEqual(again.headers['content-security-policy'], policy, 'a nonce is used once');
    }
  });

  test('load files that are named by their contents, compressed in advance and kept for ever', async () => {
    const { body } = await fairway.rest.get('/', { accept: 'text/html' });
    const files = new Set([...body.matchAll(/\/assets\/[\w.-]+/g)].map(([file]) => file));
    assert.ok(files.size >= 5, `${[...files]}`);
    for (const file of files) {
      assert.match(file, /\.[0-9a-f]{16}\.\w+$/);
      const plain = await fairway.rest.get(file);
      assert.equal(plain.status, 200, file);
      assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable', file);
      const packed = await fairway.rest.get(file, { 'accept-encoding': 'gzip, br' });
      assert.equal(packed.headers['content-encoding'], 'br', file);
      assert.match(packed.headers.vary, /accept-encoding/i, file);
      assert.deepEqual(brotliDecompressSync(packed.bytes), plain.bytes, file);
    }
    for (const missing of ['/assets/islands.0000000000000000.js', '/assets/../manifest.json', '/assets/%2e%2e/manifest.json']) {
      const { status, headers } = await fairway.rest.get(missing);
      assert.equal(status, 404, missing);
      assert.doesNotMatch(headers['cache-control'] ?? '', /immutable/, missing);
    }
  });

  test('weigh less than 120 KB at first, with everything they load', async (t) => {
    const browser = await openBrowser();
    try {
      for (const address of pages.slice(0, 5)) {
        const page = await openPage(browser, fairway);
        const session = await page.context().newCDPSession(page);
        await session.send('Network.enable');
        const loaded = new Map();
        session.on('Network.responseReceived', ({ requestId, response }) => loaded.set(requestId, { url: response.url, bytes: 0 }));
        session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
          if (loaded.has(requestId)) loaded.get(requestId).bytes = encodedDataLength;
        });
        await visit(page, address);
        await pause(500);
        const parts = [...loaded.values()].map(({ url, bytes }) => [new URL(url).pathname, bytes]);
        for (const kind of ['.wasm', '.css', '.js']) assert.ok(parts.some(([path, bytes]) => path.endsWith(kind) && bytes > 300), `${kind} was seen: ${JSON.stringify(parts)}`);
        const whole = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
        t.diagnostic(`${address}: ${whole} bytes`);
        assert.ok(whole < 120_000, `${address} weighs ${whole} bytes: ${JSON.stringify(parts)}`);
        await page.context().close();
      }
    } finally {
      await browser.close();
    }
  });
});

describe('streams', () => {
  test('pass a proxy with default settings', async () => {
    const { body: service } = await fairway.rest.get(`/api/v1/services/${name}`);
    const streams = [
      ['/events?topic=services', {}],
      [`/api/v1/jobs/${service.creation.id}/events`, { accept: 'text/event-stream' }],
      [`/api/v1/services/${name}/environments/staging/logs?follow=true`, { accept: 'text/event-stream' }],
      [`/api/v1/services/${name}/environments/staging/logs?follow=true`, {}],
    ];
    await Promise.all(streams.map(async ([path, headers]) => {
      for (const [accepted, encoding] of [['gzip, br', 'gzip'], ['br, gzip;q=0', undefined]]) {
        const opened = await stream(path, { 'accept-encoding': accepted, ...headers });
        assert.equal(opened.status, 200, path);
        assert.equal(opened.headers['content-encoding'], encoding, path);
        assert.match(opened.headers.vary, /accept-encoding/, path);
        assert.equal(opened.headers['x-accel-buffering'], 'no', `${path} isn't buffered by a proxy`);
        assert.match(opened.headers['cache-control'], /no-cache/, path);
        await until(`${path} says something at once`, 10, () => opened.text.length > 0);
        opened.close();
      }
    }));
  });

  test('are compressed, and hold no line back', async (t) => {
    const opened = await stream(`/api/v1/services/${name}/environments/staging/logs?follow=true`, { accept: 'text/event-stream', 'accept-encoding': 'gzip' });
    const write = (words) => kubectl('-n', fairway.namespaces.staging, 'exec', `deployment/${name}`, '--', 'sh', '-c', `(${words}) > /proc/1/fd/1`);
    for (const line of ['one line', 'another line']) {
      await write(`echo ${line}`);
      await until(`${line} comes, though nothing comes after it`, 10, () => opened.text.includes(`"${line}"`));
    }
    const [wire, text] = [opened.wire(), opened.text.length];
    await write('for n in $(seq 1000); do echo "line $n of a thousand"; done');
    await until('all lines come', 20, () => opened.text.includes('"line 1000 of a thousand"'));
    const sizes = [opened.wire() - wire, opened.text.length - text];
    t.diagnostic(`${sizes[0]} bytes for ${sizes[1]} of text`);
    assert.ok(sizes[0] * 5 < sizes[1], `${sizes}`);
    const heard = opened.text.length;
    await until('a heartbeat', 25, () => opened.text.slice(heard).startsWith(':'));
    opened.close();
  });

  test('have a heartbeat, so that nobody closes a silent one', async () => {
    const opened = await stream(`/api/v1/services/${name}/environments/staging/logs?follow=true&filter=never-written`, { accept: 'text/event-stream' });
    await until('a heartbeat', 25, () => /^:/m.test(opened.text));
    opened.close();
  });

  test('of pages tell their scripts of it, at once and then as often as they say', async () => {
    const opened = await stream('/events?topic=services');
    await until('two heartbeats', 25, () => opened.text.match(/^event: heartbeat\ndata: 15000\n\n/gm)?.length === 2);
    opened.close();
  });
});

describe('the API', () => {
  test('describes itself', async () => {
    const { status, headers, body } = await fairway.rest.get('/api/v1/openapi.json');
    assert.equal(status, 200);
    assert.match(headers['content-type'], /json/);
    assert.match(body.openapi, /^3\.1\./);
    const described = Object.entries(body.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} ${path}`));
    for (const route of ROUTES) assert.ok(described.includes(route), `${route} is described`);
    for (const reference of JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(body.components.schemas[reference[1]], `${reference[1]} is described`);
    }
  });

  test('answers every error with a problem', async () => {
    const json = { 'content-type': 'application/json' };
    const { rest } = fairway;
    const place = `/api/v1/services/${name}/environments`;
    const wrong = [
      ['GET', '/api/v1/services/nobody', undefined, 404],
      ['GET', '/api/v1/services/NoBody', undefined, 404],
      ['GET', '/api/v1/nowhere', undefined, 404],
      ['GET', `${place}/nowhere/diagnosis`, undefined, 404],
      ['GET', '/api/v1/jobs/no-uuid', undefined, 404],
      ['GET', '/api/v1/jobs/01a21086-9917-777e-9f5f-98a9fc24930b', undefined, 404],
      ['GET', '/api/v1/jobs/01a21086-9917-777e-9f5f-98a9fc24930b/events', undefined, 404],
      ['GET', `${place}/staging/logs?tail=many`, undefined, [400, 422]],
      ['GET', `${place}/staging/diff`, undefined, 422],
      ['DELETE', `/api/v1/services/${name}`, undefined, 405],
      ['POST', '/api/v1/services', '{', 400],
      ['POST', '/api/v1/services', '"orders"', [400, 422]],
      ['POST', '/api/v1/services', JSON.stringify({ name: 'Not A Name' }), 422],
      ['POST', '/api/v1/services', `{"name":"${'x'.repeat(300 << 10)}"}`, 413],
      ['POST', `${place}/staging/deploys`, '{}', 422],
      ['POST', `${place}/staging/deploys`, '{"build":"01a21086-9917-777e-9f5f-98a9fc24930b"}', 404],
      ['POST', `${place}/staging/deploys`, '{"backTo":99}', 404],
      ['POST', `${place}/production/restarts`, undefined, [404, 409]],
      ['POST', `${place}/production/purges`, '{"everything":true,"dryRun":true}', 403],
      ['POST', `${place}/staging/purges`, '{"everything":true,"pattern":"*"}', 422],
    ];
    for (const [method, path, body, expected] of wrong) {
      const answer = await rest.ask(method, path, body, body ? json : {});
      const told = `${method} ${path} ${body?.slice(0, 60) ?? ''}: ${answer.status} ${answer.bytes.toString().slice(0, 300)}`;
      assert.ok([expected].flat().includes(answer.status), told);
      assert.equal(answer.headers['content-type'], 'application/problem+json', told);
      assert.equal(answer.body.status, answer.status, told);
      for (const field of ['type', 'title', 'detail']) assert.ok(answer.body[field]?.length > 3, told);
    }
    const text = await rest.ask('POST', '/api/v1/services', 'name=x', { 'content-type': 'text/plain' });
    assert.equal(text.status, 415);
    assert.equal(text.headers['content-type'], 'application/problem+json');
    const { body } = await rest.post('/api/v1/services', fairway.answers('Not A Name', { port: '99999', replicas: 'many' }));
    assert.deepEqual(body.errors.map(({ field }) => field).toSorted(), ['name', 'port', 'replicas'], 'every field at once');
  });

  test('does what a repeated POST asks for once', async () => {
    const headers = { 'idempotency-key': `key-${fairway.suffix}` };
    const order = fairway.answers(fairway.name('once'));
    const [one, other] = await Promise.all([fairway.rest.post('/api/v1/services', order, headers), fairway.rest.post('/api/v1/services', order, headers)]);
    const again = await fairway.rest.post('/api/v1/services', order, headers);
    assert.equal(again.status, 202, JSON.stringify(again.body));
    for (const answer of [one, other].filter(({ status }) => status === 202)) assert.equal(answer.body.id, again.body.id);
    assert.equal(again.headers.location, `/api/v1/jobs/${again.body.id}`);
    const reused = await fairway.rest.post('/api/v1/services', { ...order, team: 'search' }, headers);
    assert.equal(reused.status, 422, 'a key belongs to one request');
    await fairway.job(again.body.id);
  });
});

describe('who runs Fairway', () => {
  test('sees its health, its numbers and each request\'s id', async () => {
    for (const path of ['/healthz', '/readyz']) assert.equal((await fairway.rest.get(path)).status, 200, path);
    const { body, headers } = await fairway.rest.get('/metrics');
    assert.match(headers['content-type'], /text\/plain/);
    assert.match(body, /^# TYPE \w+ (counter|histogram|summary|gauge)$/m);
    assert.match(body, /^process_resident_memory_bytes \d+/m);
    assert.match(body, /http\w*.*status="200"/);
    assert.doesNotMatch(body, new RegExp(`"[^"]*/services/${name}`), 'a path that was typed is no series of its own');

    const mine = await fairway.rest.get('/', { 'x-request-id': 'from-a-proxy-1' });
    assert.equal(mine.headers['x-request-id'], 'from-a-proxy-1', 'a proxy\'s id is kept');
    const refused = await fairway.rest.post(`/api/v1/services/${name}/environments/production/purges`, { everything: true, dryRun: true });
    const id = refused.headers['x-request-id'];
    assert.match(id, /^[0-9a-f-]{36}$/);
    const log = await readFile(fairway.log, 'utf8');
    assert.doesNotMatch(log, /\x1b\[/, 'no colours in a file');
    assert.match(log, new RegExp(`POST.*id="?${id}.*403`), 'the log names the request');
  });

  test('ends it within seconds, also with streams open', async () => {
    const streams = await Promise.all([
      stream('/events?topic=services'),
      stream(`/api/v1/services/${name}/environments/staging/logs?follow=true`, { accept: 'text/event-stream' }),
      stream(`/api/v1/services/${name}/environments/staging/logs?follow=true`),
    ]);
    await until('the streams flow', 10, () => streams.every(({ text }) => text.length > 0));
    const asked = Date.now();
    assert.equal(await fairway.stop(), 0, 'it ended by itself, well');
    assert.ok(Date.now() - asked < 8_000, `it took ${Date.now() - asked} ms`);
    await Promise.all(streams.map(({ ended }) => ended));
    assert.doesNotMatch(await fairway.lastWords(), /cut off/);
    await fairway.run();
  });
});
