// What tests of purges do with the Redis of a service on staging.
import assert from 'node:assert/strict';
import { redisCli, until } from '../harness.mjs';

export function purging(fairway, name) {
  const { rest, namespaces: { staging } } = fairway;
  const purges = `/api/v1/services/${name}/environments/staging/purges`;
  const cli = async (input) => (await redisCli(staging, name, input)).trim();
  const purge = (body) => rest.post(purges, { reason: 'a test', ...body });
  const onRecord = async (job) => (await rest.get(purges)).body.find((one) => one.job === job);
  /** So many sessions, beside a key that no purge is meant for. */
  const fill = (count) => cli(`flushall\nset kept 1\neval "for i=1,${count} do redis.call('SET','session:'..i,'x') end" 0`);
  /** How many sessions there are. */
  const left = async () => {
    const [all, kept] = (await cli('dbsize\nexists kept')).split('\n').map(Number);
    return all - kept;
  };
  /** Begins a purge that takes some seconds, and waits until it has removed some keys. */
  const long = async (count) => {
    await fill(count);
    const { status, body } = await purge({ prefix: 'session:', expectedCount: count, confirm: name });
    assert.equal(status, 202, JSON.stringify(body));
    await until('keys go', 60, async () => (await onRecord(body.id)).counts.removed > 0, 20);
    return body;
  };
  const activity = async (action) => (await rest.get(`/api/v1/activity?service=${name}&environment=staging`)).body.filter((entry) => entry.action === action);
  /** Waits until a Fairway that was started sees the cluster. */
  const seen = () =>
    until('the cluster is seen', 30, async () => {
      const of = (environment) => rest.get(`/api/v1/services/${name}/environments/${environment}/diagnosis`);
      return (await Promise.all(['staging', 'production'].map(of))).every(({ body }) => body.freshness.state === 'live');
    });
  return { purges, cli, purge, onRecord, fill, left, long, activity, seen };
}
