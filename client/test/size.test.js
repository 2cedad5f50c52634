import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

test("the client with the component has less than 15,000 bytes gzipped, and asks for nothing more by itself", () => {
  const text = readFileSync(new URL("../built/hubbub-comments.js", import.meta.url), "utf8");
  const size = gzipSync(text, { level: 9 }).length;
  assert.ok(size < 15_000, `${size} bytes`);
  assert.doesNotMatch(text, /\b(import|from) ?["']/);
});
