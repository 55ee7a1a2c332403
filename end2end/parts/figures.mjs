// What a measuring keeps: rows of a table, and how numbers are told in it.
import { readFile } from 'node:fs/promises';

/** How often each thing is measured. Fewer than five times only tries the measuring out. */
export const count = Number(process.env.FAIRWAY_BENCH_COUNT ?? 5);

export const table = [];

/** A row of the table, told at once. */
export function row(what, figure, how = '') {
  table.push([what, figure, how]);
  console.log(`  ${what.padEnd(72)} ${figure}`);
}

export const at = (sorted, part) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
export const ascending = (numbers) => numbers.toSorted((a, b) => a - b);
export const median = (numbers) => at(ascending(numbers), 0.5);
export const seconds = (number) => `${number.toFixed(number < 1 ? 2 : 1)} s`;
export const spread = (numbers) => numbers.length === 0 ? 'not to be had' : `${seconds(median(numbers))} (${seconds(Math.min(...numbers))} to ${seconds(Math.max(...numbers))})`;
export const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;
export const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

/** What a process holds in memory now (`VmRSS`), or held at most (`VmHWM`), in bytes. */
export async function memory(pid, line = 'VmRSS') {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${line}:\\s+(\\d+)`, 'm').exec(status)[1]) * 1024;
}
