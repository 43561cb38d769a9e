// Parses PowerShell files with tree-sitter's grammar and names every place that is no PowerShell. It checks syntax only.
// node --liftoff-only powershell_syntax.mjs FOLDER-OF-NODE_MODULES FILE…   (needs web-tree-sitter and tree-sitter-powershell there;
// without the flag V8 optimises the grammar for minutes)
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const { Parser, Language } = require("web-tree-sitter");

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(join(modules, "tree-sitter-powershell", "tree-sitter-powershell.wasm")));

let wrong = 0;
for (const file of files) {
  const tree = parser.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  const visit = (node) => {
    if (node.isError || node.isMissing) {
      wrong++;
      console.log(`${file}:${node.startPosition.row + 1}:${node.startPosition.column + 1}: ${node.isMissing ? "missing " + node.type : "not understood: " + node.text.slice(0, 80)}`);
      return;
    }
    if (node.hasError) for (const child of node.children) visit(child);
  };
  visit(tree.rootNode);
}
console.log(`${files.length} files, ${wrong} errors`);
process.exit(wrong ? 1 : 0);
