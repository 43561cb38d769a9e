// The packages that the tests need: from npm, or from a tree of Uptime Kuma itself if KUMA_SRC names one.

import { createRequire } from "node:module";

export const kumaSource = process.env.KUMA_SRC ?? "";
export const load = createRequire(kumaSource ? `${kumaSource}/` : import.meta.url);
