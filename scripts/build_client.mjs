/**
 * Makes what is made of the client's modules: client/built/hubbub-comments.js, all that watching live takes in one small
 * file; client/built/replay-feed.js, what a replay takes besides; and their types.
 *
 *     node scripts/build_client.mjs           write them
 *     node scripts/build_client.mjs --check   fail where they are not what the modules make
 *
 * The modules work as they are; this spares a page thirty requests. Prints what a browser has to fetch.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const CLIENT = new URL("../client/", import.meta.url).pathname;
const ROOT = new URL("../", import.meta.url).pathname;
const MOST = 15_000; // bytes, gzipped
const FILES = { "hubbub-comments.js": "component.js", "replay-feed.js": "replay.js" };

// Methods by which our modules call each other; no page, message between tabs or other file knows them.
const INTERNAL = /^(addEarlier|showPins|reword|complain|decide|refusal|arrived|settle|say|notice|echo|insert|early|flush|offers|toolsFor|give)$/;

/** The style sheet stands in a template, which a minifier leaves alone. @type {import("esbuild").Plugin} */
const styles = {
  name: "styles",
  setup(build) {
    build.onLoad({ filter: /\/style\.js$/ }, async ({ path }) => {
      const [, before = "", css = "", after = ""] = /^(.*CSS = `)(.*)(`;.*)$/s.exec(readFileSync(path, "utf8")) ?? [];
      const { code } = await transform(css, { loader: "css", minify: true, target: "chrome123", charset: "utf8" });
      return { contents: before + code.trim() + after };
    });
  },
};

/** @param {string} directory */
async function make(directory) {
  mkdirSync(join(directory, "built"), { recursive: true });
  for (const [name, entry] of Object.entries(FILES)) {
    const { outputFiles } = await build({
      entryPoints: [join(CLIENT, entry)],
      ...{ bundle: true, minify: true, mangleProps: INTERNAL, plugins: [styles] },
      ...{ write: false, format: "esm", target: "es2022", logLevel: "warning", charset: "utf8" },
    });
    const { code } = await minify(outputFiles[0]?.text ?? "", { ecma: 2020, module: true, compress: { passes: 3 } });
    writeFileSync(join(directory, "built", name), `${code}\n`);
  }
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "--project", join(CLIENT, "tsconfig.json"), "--outDir", join(directory, "types")]);
}

/** Every made file's text, by name. @param {string} directory */
function read(directory) {
  const names = ["built", "types"].flatMap((folder) => readdirSync(join(directory, folder)).map((name) => `${folder}/${name}`));
  return new Map(names.sort().map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}

const checking = process.argv.includes("--check");
const directory = checking ? mkdtempSync(join(tmpdir(), "hubbub-client-")) : CLIENT;
if (!checking) for (const folder of ["built", "types"]) rmSync(join(CLIENT, folder), { recursive: true, force: true });
await make(directory);
const made = read(directory);
if (checking) {
  const there = read(CLIENT);
  const stale = [...new Set([...made.keys(), ...there.keys()])].filter((name) => made.get(name) !== there.get(name));
  rmSync(directory, { recursive: true });
  if (stale.length) {
    console.error(`Not what the modules make: ${stale.map((name) => `client/${name}`).join(", ")}. Run make client.`);
    process.exit(1);
  }
}
const [size = 0, further] = Object.keys(FILES).map((name) => gzipSync(made.get(`built/${name}`) ?? "", { level: 9 }).length);
console.log(`The client with the component: ${size} bytes gzipped, of ${MOST} that it may have; ${further} more for a replay`);
if (size > MOST) {
  console.error("That is too much.");
  process.exit(1);
}
