// One scenario in a real browser: `node e2e/run.mjs NAME JSON`. Prints what it found as JSON; whatever a
// page said went wrong (console, answers of 400 and above) stands beside it under `errors`.
import { chromium } from "playwright-core";

const [name, json] = process.argv.slice(2);
const given = JSON.parse(json);
const { [name]: scenario } = await import("./scenarios.mjs");
const args = ["--no-sandbox", "--disable-dev-shm-usage", `--remote-debugging-port=${given.port ?? 0}`];
const browser = await chromium.launch({ executablePath: given.chromium, args });
const errors = [];

/** A page with nothing remembered; `theme` and `viewport` are the reader's. */
async function open({ theme = "light", viewport = { width: 1440, height: 1000 }, signedInAs = null } = {}) {
  const context = await browser.newContext({
    baseURL: given.base,
    colorScheme: theme,
    viewport,
    timezoneId: "UTC",
    storageState: signedInAs?.state,
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("console", (said) => said.type() === "error" && errors.push(`${page.url()}: ${said.text()}`));
  page.on("pageerror", (error) => errors.push(`${page.url()}: ${error}`));
  return page;
}

/** Signs in by the page; the answer can be given to `open`, which then needs no password. */
async function signIn(who, options = {}) {
  const page = await open(options);
  await page.goto("/sign-in/");
  await page.getByLabel("Name").fill(who);
  await page.getByLabel("Password").fill(given.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Latest hours" }).waitFor();
  return { page, state: await page.context().storageState() };
}

try {
  const found = await scenario({ open, signIn, given });
  process.stdout.write(JSON.stringify({ found, errors }));
} finally {
  await browser.close();
}
