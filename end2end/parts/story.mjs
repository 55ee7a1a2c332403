// A walk is a row of tests that build on each other: after one that failed, the later ones are skipped, since they would only repeat it.
import path from 'node:path';
import { test } from 'node:test';
import { results } from './browser.mjs';

/** `look` is asked for a page when a part fails; its picture is kept. */
export function story(look = () => undefined) {
  let broken = false;
  return (sentence, walk) =>
    test(sentence, async (t) => {
      if (broken) return t.skip('an earlier part of this walk failed');
      broken = true;
      try {
        await walk(t);
      } catch (error) {
        const page = look();
        await page?.screenshot({ path: path.join(results, `failed-${sentence.replace(/\W+/g, '-')}.png`) }).catch(() => {});
        throw error;
      }
      broken = false;
    });
}
