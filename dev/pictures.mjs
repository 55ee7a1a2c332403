// The pictures of the README: a Fairway of its own, in namespaces of its own, brought to a state that shows what it is for.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fairway, kubectl, until } from '../end2end/harness.mjs';
import { alive, openBrowser } from '../end2end/parts/browser.mjs';

const folder = path.resolve(fileURLToPath(import.meta.url), '../../docs/pictures');

const services = [
  { name: 'orders', team: 'checkout', description: 'Takes orders and reserves stock', runtime: 'python', replicas: '2', redis: true },
  { name: 'coupons', team: 'checkout', description: 'Says what a coupon is worth', runtime: 'go', replicas: '2' },
  { name: 'invoices', team: 'billing', description: 'Writes and sends invoices', runtime: 'python', replicas: '2' },
];

// Those of a run just before may still be on their way out.
const namespaces = { staging: 'shop-staging', production: 'shop-production' };
await until('the namespaces are free', 90, async () => !(await kubectl('get', 'namespace', ...Object.values(namespaces), '--ignore-not-found', '--output', 'name')));
const fairway = await Fairway.start({ namespaces });
const browser = await openBrowser();
try {
  console.log(`Fairway answers at ${fairway.url}`);
  await Promise.all(services.map(create));
  console.log('the services run on staging');
  await Promise.all(services.map(({ name }) => toProduction(name)));
  await push('orders', 'Answer with the order’s number', (code) => `${code}\n# The number is what people read out on the telephone.\n`);
  console.log('and on production; orders is one commit ahead on staging');
  const deploy = await push('invoices', 'Send invoices by mail', (code) => `import os\n\nMAIL_SERVER = os.environ["MAIL_SERVER"]\n\n${code}`, false);
  await until('the crash is named', 60, async () => {
    const { body } = await fairway.rest.get('/api/v1/services/invoices/environments/staging/diagnosis');
    return body.findings.some(({ evidence }) => evidence.length > 1);
  });
  await picture('deploy', `/services/invoices/deploys/${deploy.number}`, 850, '.finding');
  await picture('services', '/', 320, 'table');
} finally {
  await browser.close();
  await fairway.remove();
}

async function create(answers) {
  const { status, body } = await fairway.rest.post('/api/v1/services', { ...fairway.answers(answers.name), ...answers });
  if (status !== 202) throw new Error(`creating ${answers.name}: ${status} ${JSON.stringify(body)}`);
  await fairway.job(body.id);
}

async function toProduction(name) {
  const { body: builds } = await fairway.rest.get(`/api/v1/services/${name}/builds`);
  await fairway.deployed(name, 'production', builds[0].id);
}

/** Pushes a commit, and brings it to staging; waits for the end of that unless it won't come. */
async function push(name, message, change, ends = true) {
  const copy = await fairway.git.clone(name);
  await copy.write('app/service.py', change);
  const { id } = await fairway.build(name, await copy.push(message));
  if (ends) return fairway.deployed(name, 'staging', id);
  return (await fairway.deploy(name, 'staging', id)).body;
}

/** What a window of 1280 by `height` shows of a page, once `part` stands in it. */
async function picture(name, address, height, part) {
  const page = await browser.newPage({ baseURL: fairway.url, viewport: { width: 1280, height }, colorScheme: 'light', reducedMotion: 'reduce' });
  await page.goto(address);
  await alive(page);
  await page.locator(part).first().waitFor();
  await page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled' });
  await page.close();
  console.log(`docs/pictures/${name}.png`);
}
