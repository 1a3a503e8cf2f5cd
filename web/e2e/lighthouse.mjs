// Lighthouse over one page of whoever has the cookie: `node e2e/lighthouse.mjs JSON`. Prints scores and faults.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import lighthouse, { desktopConfig } from "lighthouse";

const given = JSON.parse(process.argv[2]);
const profile = await mkdtemp(join(tmpdir(), "ballast-lighthouse-"));
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
];
const where = [`--user-data-dir=${profile}`, "--remote-debugging-port=0", "about:blank"];
const browser = spawn(given.chromium, [...flags, ...where], { stdio: "ignore" });

async function port() {
  for (let tried = 0; tried < 300; tried += 1) {
    const told = await readFile(join(profile, "DevToolsActivePort"), "utf8").catch(() => "");
    if (told) return Number(told.split("\n")[0]);
    await pause(100);
  }
  throw new Error("the browser does not start");
}

try {
  const options = { port: await port(), extraHeaders: { Cookie: given.cookie }, logLevel: "error" };
  const onlyCategories = ["performance", "accessibility", "best-practices"];
  const { lhr } = await lighthouse(
    given.url,
    { ...options, onlyCategories },
    given.phone ? undefined : desktopConfig,
  );
  const scores = Object.fromEntries(
    Object.values(lhr.categories).map((one) => [one.id, Math.round(one.score * 100)]),
  );
  const faults = Object.values(lhr.audits)
    .filter((one) => one.score !== null && one.score < 0.9 && one.scoreDisplayMode !== "informative")
    .map((one) => `${one.id}: ${one.displayValue ?? one.title}`);
  const items = lhr.audits["errors-in-console"]?.details?.items ?? [];
  process.stdout.write(JSON.stringify({ scores, faults, console: items.map((one) => one.description) }));
} finally {
  browser.kill("SIGKILL");
  await pause(300);
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
