// A page of another origin asks the relay from within a browser. RELAY, KEY and MODEL as in drive.mjs, CHROMIUM is the browser.
// What the page has seen is printed as one line of JSON.
import http from "http";
import { chromium } from "playwright-core";

const site = http.createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>A page</title>"));
await new Promise((listening) => site.listen(0, "127.0.0.1", listening));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
try {
  const page = await browser.newPage();
  await page.goto(`http://localhost:${site.address().port}/`);
  const seen = await page.evaluate(async ({ relay, key, model }) => {
    const headers = { Authorization: "Bearer " + key, "Content-Type": "application/json", "X-Request-Id": "of-the-page" };
    const told = (answer) => Object.fromEntries(["x-oneapi-request-id", "x-request-id", "retry-after", "x-ratelimit-remaining-requests", "openai-organization", "content-type"].map((name) => [name, answer.headers.get(name)]));
    const ask = async (path, body) => {
      const answer = await fetch(relay + path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
      return { status: answer.status, headers: told(answer), body: await answer.text() };
    };
    const question = (model, more) => ({ model, messages: [{ role: "user", content: "Hi!" }], ...more });
    const events = async () => {
      const answer = await fetch(relay + "/v1/chat/completions", { method: "POST", headers, body: JSON.stringify(question(model, { stream: true })) });
      let text = "", said = "";
      for (const reader = answer.body.getReader(), decoder = new TextDecoder(); ;) {
        const { done, value } = await reader.read();
        if (done) break;
        text += decoder.decode(value, { stream: true });
      }
      for (const line of text.split("\n")) if (line.startsWith("data: {")) said += JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? "";
      return { status: answer.status, headers: told(answer), body: said, ended: text.includes("data: [DONE]") };
    };
    return {
      unknownPath: await ask("/v1/v1/chat/completions", question(model)), unknownModel: await ask("/v1/chat/completions", question("no-such-model")),
      limited: await ask("/v1/chat/completions", question(model + "-limited")), whole: await ask("/v1/chat/completions", question(model)),
      models: await ask("/v1/models"), events: await events(),
    };
  }, { relay: process.env.RELAY, key: process.env.KEY, model: process.env.MODEL });
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
  site.close();
}
