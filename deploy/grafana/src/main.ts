// Writes the dashboards, and the checksums by which a test sees that they are those of these sources.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { channel } from './channel';
import { leaks } from './leaks';
import { overview } from './overview';
import { spend } from './spend';

const target = process.argv[2];
if (!target) throw new Error('usage: node out/main.js DIRECTORY');

const files: Record<string, unknown> = { 'overview.json': overview(), 'channel.json': channel(), 'leaks.json': leaks(), 'spend.json': spend() };
for (const [name, board] of Object.entries(files)) {
  writeFileSync(join(target, name), JSON.stringify(board, null, 2) + '\n');
}

const sources = readdirSync('.').filter((name) => name.endsWith('.ts') || name === 'package-lock.json');
const sums = [...sources.map((name) => join('..', 'src', name)), ...Object.keys(files)].sort().map((name) => {
  const text = readFileSync(join(target, name));
  return `${createHash('sha256').update(text).digest('hex')}  ${name}\n`;
});
writeFileSync(join(target, 'SHA256SUMS'), sums.join(''));
