import { readFile } from "node:fs/promises";
import { AxeBuilder } from "@axe-core/playwright";

const THEMES = ["light", "dark"];
const DOORS = ["/sign-in/", "/set-up/"];

/** The first administrator, by the link that `ballast up` printed. */
export async function setUp({ open, given }) {
  const page = await open();
  await page.goto(given.link);
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password", { exact: true }).fill(given.password);
  await page.getByLabel("Password again").fill(given.password);
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "Latest hours" }).waitFor();
  return { title: await page.title(), banner: await page.getByText("REPLAY").first().textContent() };
}

/** Watches the overview until so many hours have come, and when each was on the page (ms since the epoch). */
export async function watch({ signIn, given }) {
  const { page } = await signIn("vera");
  await page.evaluate(() => {
    const newest = () => document.querySelector("#content a[href^='/hour/']")?.getAttribute("href");
    let last = newest();
    window.seen = [];
    new MutationObserver(() => {
      if (newest() === last) return;
      last = newest();
      window.seen.push([last.split("=")[1], Date.now()]);
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await page.waitForFunction((hours) => window.seen.length >= hours, given.hours, { timeout: 240_000 });
  return page.evaluate(() => window.seen);
}

/** From the list of hours to one without a trade, and why each instrument was left alone. */
export async function whyNoTrade({ signIn }) {
  const { page } = await signIn("vera");
  await page.getByRole("link", { name: "Hours" }).click();
  await page.getByLabel("outcome").selectOption("NO_CHANGE");
  const table = page.getByRole("table", { name: "hours, newest first" });
  await table.getByRole("link").first().click();
  const why = page.getByRole("table", { name: "why each other instrument was not traded" });
  await why.waitFor();
  const rows = await why
    .locator("tbody tr")
    .evaluateAll((rows) => rows.map((row) => row.innerText.split("\t")));
  return { asof: new URL(page.url()).searchParams.get("asof"), rows };
}

async function command(page, button, reason, typed) {
  await page.getByRole("button", { name: button, exact: true }).click();
  const dialog = page.getByRole("dialog", { name: /./ });
  await dialog.getByLabel("Reason").fill(reason);
  if (typed) await dialog.getByLabel("to confirm").fill(typed);
  await dialog.getByRole("button", { name: button, exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
}

/** What a page's own session is answered when it sends a command that the page does not offer. */
function sent(page, act, halt) {
  return page.evaluate(
    async ([act, halt]) => {
      const { csrf } = await (await fetch("/api/session")).json();
      const answer = await fetch(`/api/portfolios/main/halt/${act}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf },
        body: JSON.stringify({ reason: "by hand", halt_id: halt }),
      });
      return { status: answer.status, ...(await answer.json()) };
    },
    [act, halt],
  );
}

const buttons = (page) => page.locator("#content button").allTextContents();

/** An operator halts and asks for a resume; approving is neither offered to them nor done for them. */
export async function halt({ signIn }) {
  const { page } = await signIn("olga");
  await page.getByRole("link", { name: "Risk", exact: true }).click();
  await command(page, "Halt", "spread looks wrong", "halt");
  await page.getByRole("alert").filter({ hasText: "HALTED." }).waitFor();
  await page.getByRole("button", { name: "Request a resume" }).waitFor();
  const halt = (
    await page
      .getByText(/^halt-\d+$/)
      .first()
      .textContent()
  ).trim();
  const offered = await buttons(page);
  const refused = await sent(page, "approve-resume", halt);
  return { halt, offered, refused, title: await page.title() };
}

/** The operator sells everything too; the halt goes on under another name. */
export async function flatten({ signIn }) {
  const { page } = await signIn("olga");
  await page.getByRole("link", { name: "Risk", exact: true }).click();
  await command(page, "Halt and flatten", "get out of it", "flatten");
  const named = page.getByText(/^flatten-\d+$/).first();
  await named.waitFor();
  return { halt: (await named.textContent()).trim() };
}

export async function request({ signIn, given }) {
  const { page } = await signIn("olga");
  await page.getByRole("link", { name: "Risk", exact: true }).click();
  await command(page, "Request a resume", "looked at it");
  await page.getByText("olga asked for a resume").waitFor();
  return { offered: await buttons(page), refused: await sent(page, "approve-resume", given.halt) };
}

/** Somebody else approves, but not before it was asked for. */
export async function tooEarly({ signIn, given }) {
  const { page } = await signIn("bob");
  return sent(page, "approve-resume", given.halt);
}

export async function approve({ signIn }) {
  const { page } = await signIn("bob");
  await page.getByRole("link", { name: "Risk", exact: true }).click();
  await page.getByRole("button", { name: "Approve the resume" }).waitFor();
  const offered = await buttons(page);
  await command(page, "Approve the resume", "looked at it too", "resume");
  await page.getByRole("button", { name: "Halt", exact: true }).waitFor();
  const events = page.getByRole("table", { name: "events, newest first" });
  return { offered, events: await events.locator("tbody tr").allInnerTexts() };
}

/** The file behind the link on the trades page. */
export async function csv({ signIn }) {
  const { page } = await signIn("vera");
  await page.getByRole("link", { name: "Trades", exact: true }).click();
  const coming = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  const download = await coming;
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
}

async function settled(page, path) {
  await page.goto(path);
  await page.locator("h1").first().waitFor();
  await page.waitForFunction(
    () => ![...document.querySelectorAll("[role=status]")].some((one) => one.innerText.startsWith("loading")),
  );
}

/** What axe finds in both themes; the palette alone differs, so the page is not loaded again for it. */
async function violations(page, where) {
  const found = [];
  for (const theme of THEMES) {
    await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const told = (one) => `${theme} ${where}: ${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`;
    found.push(...violations.map(told));
  }
  return found;
}

/** The given pages in both themes, the doors, a chart as a table, and the dialogue of a command. */
export async function axe({ open, signIn, given }) {
  const inside = await signIn("olga");
  const found = [];
  const page = await open({ signedInAs: inside });
  for (const path of given.pages) {
    await settled(page, path);
    found.push(...(await violations(page, path)));
  }
  await settled(page, "/");
  await page.getByRole("button", { name: "show a table" }).click();
  found.push(...(await violations(page, "table of a chart")));
  await settled(page, "/risk/");
  await page.getByRole("button", { name: given.button, exact: true }).first().click();
  found.push(...(await violations(page, "dialogue")));
  const outside = await open();
  for (const path of DOORS) {
    await settled(outside, path);
    found.push(...(await violations(outside, path)));
  }
  return { pages: given.pages.length + DOORS.length, violations: found };
}

/** Pages as pictures: `given.shots` lists [path, theme, width, file]. */
export async function shots({ open, signIn, given }) {
  const inside = await signIn(given.who);
  for (const [path, theme, width, file] of given.shots) {
    const phone = width < 500;
    const viewport = { width, height: phone ? 844 : 1000 };
    const outside = DOORS.includes(path);
    const page = await open({ theme, viewport, signedInAs: outside ? null : inside });
    await settled(page, path);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: file, fullPage: given.whole ?? false });
    await page.context().close();
  }
  return given.shots.length;
}
