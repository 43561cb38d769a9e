// Drives the relay with the clients that people use, and prints a line of JSON for each client, model and scene: {client, model, scene, ok, detail}.
// RELAY is the relay's address, KEY a client key, MODELS the models, separated by commas.
const base = process.env.RELAY, key = process.env.KEY, models = process.env.MODELS.split(",");

const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const check = (what, ok) => { if (!ok) throw new Error("unexpected: " + JSON.stringify(what)); };
const said = (text) => check(text, text === "Good day <&> 世界");
const weather = (name, input) => check({ name, input }, name === "get_weather" && input.city === "Paris");

// Each client has scenes: text, stream, tools (a call, its result, and the answer) and error (a model that there is not: 404).
const clients = {
  openai: async () => {
    const { default: OpenAI } = await import("openai");
    const c = new OpenAI({ baseURL: base + "/v1", apiKey: key, maxRetries: 0 });
    const ask = (model, more) => c.chat.completions.create({ model, messages: [{ role: "user", content: "Hi!" }], ...more });
    return {
      text: async (m) => said((await ask(m)).choices[0].message.content),
      stream: async (m) => { let s = ""; for await (const e of await ask(m, { stream: true })) s += e.choices[0]?.delta?.content ?? ""; said(s); },
      tools: async (m) => {
        const tools = [{ type: "function", function: { name: "get_weather", parameters: schema } }];
        const first = (await ask(m, { tools })).choices[0].message;
        weather(first.tool_calls[0].function.name, JSON.parse(first.tool_calls[0].function.arguments));
        const messages = [{ role: "user", content: "Hi!" }, first, { role: "tool", tool_call_id: first.tool_calls[0].id, content: "sunny" }];
        said((await c.chat.completions.create({ model: m, messages, tools })).choices[0].message.content);
      },
      error: async () => { try { await ask("no-such-model"); } catch (e) { return check(String(e), e instanceof OpenAI.NotFoundError && e.code === "model_not_found"); } throw new Error("no error"); },
    };
  },
  "openai (Responses)": async () => {
    const { default: OpenAI } = await import("openai");
    const c = new OpenAI({ baseURL: base + "/v1", apiKey: key, maxRetries: 0 });
    const tools = [{ type: "function", name: "get_weather", parameters: schema, strict: true }];
    return {
      text: async (m) => said((await c.responses.create({ model: m, input: "Hi!" })).output_text),
      stream: async (m) => { let s = ""; for await (const e of await c.responses.create({ model: m, input: "Hi!", stream: true })) { if (e.type === "response.output_text.delta") s += e.delta; if (e.type === "response.failed") throw new Error(e.response.error.message); } said(s); },
      tools: async (m) => {
        const first = await c.responses.create({ model: m, input: "Hi!", tools, store: false });
        const call = first.output.find((i) => i.type === "function_call");
        weather(call.name, JSON.parse(call.arguments));
        const input = [{ role: "user", content: "Hi!" }, ...first.output, { type: "function_call_output", call_id: call.call_id, output: "sunny" }];
        said((await c.responses.create({ model: m, input, tools, store: false })).output_text);
      },
      error: async () => { try { await c.responses.create({ model: "no-such-model", input: "Hi!" }); } catch (e) { return check(String(e), e.status === 404); } throw new Error("no error"); },
    };
  },
  "@anthropic-ai/sdk": async () => {
    const { default: Anthropic } = await import("@anthropic-ai/sdk");
    const c = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 });
    const ask = (model, more) => c.messages.create({ model, max_tokens: 100, messages: [{ role: "user", content: "Hi!" }], ...more });
    const text = (m) => m.content.filter((b) => b.type === "text").map((b) => b.text).join("");
    return {
      text: async (m) => said(text(await ask(m))),
      stream: async (m) => said(text(await c.messages.stream({ model: m, max_tokens: 100, messages: [{ role: "user", content: "Hi!" }] }).finalMessage())),
      tools: async (m) => {
        const tools = [{ name: "get_weather", input_schema: schema }];
        const first = await ask(m, { tools });
        const call = first.content.find((b) => b.type === "tool_use");
        weather(call.name, call.input);
        const messages = [{ role: "user", content: "Hi!" }, { role: "assistant", content: first.content }, { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] }];
        said(text(await ask(m, { tools, messages })));
      },
      error: async () => { try { await ask("no-such-model"); } catch (e) { return check(String(e), e instanceof Anthropic.NotFoundError); } throw new Error("no error"); },
    };
  },
  "@google/genai": async () => {
    const { GoogleGenAI } = await import("@google/genai");
    const c = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } });
    const config = { tools: [{ functionDeclarations: [{ name: "get_weather", parametersJsonSchema: schema }] }] };
    return {
      text: async (m) => said((await c.models.generateContent({ model: m, contents: "Hi!" })).text),
      stream: async (m) => { let s = ""; for await (const e of await c.models.generateContentStream({ model: m, contents: "Hi!" })) s += e.text ?? ""; said(s); },
      tools: async (m) => {
        const first = await c.models.generateContent({ model: m, contents: "Hi!", config });
        const call = first.functionCalls[0];
        weather(call.name, call.args);
        const contents = [{ role: "user", parts: [{ text: "Hi!" }] }, first.candidates[0].content, { role: "user", parts: [{ functionResponse: { id: call.id, name: call.name, response: { result: "sunny" } } }] }];
        said((await c.models.generateContent({ model: m, contents, config })).text);
      },
      error: async () => { try { await c.models.generateContent({ model: "no-such-model", contents: "Hi!" }); } catch (e) { return check(String(e), e.status === 404); } throw new Error("no error"); },
    };
  },
  "ai + @ai-sdk/openai": () => aiSDK("@ai-sdk/openai", (p) => p.createOpenAI({ baseURL: base + "/v1", apiKey: key })),
  "ai + @ai-sdk/anthropic": () => aiSDK("@ai-sdk/anthropic", (p) => p.createAnthropic({ baseURL: base + "/v1", apiKey: key })),
  "ai + @ai-sdk/openai-compatible": () => aiSDK("@ai-sdk/openai-compatible", (p) => p.createOpenAICompatible({ name: "relay", baseURL: base + "/v1", apiKey: key })),
  "ai + @ai-sdk/google": () => aiSDK("@ai-sdk/google", (p) => p.createGoogleGenerativeAI({ baseURL: base + "/v1beta", apiKey: key })),
  "@langchain/openai": () => langchain("@langchain/openai", (p, model) => new p.ChatOpenAI({ model, apiKey: key, maxRetries: 0, configuration: { baseURL: base + "/v1" } })),
  "@langchain/anthropic": () => langchain("@langchain/anthropic", (p, model) => new p.ChatAnthropic({ model, apiKey: key, maxRetries: 0, anthropicApiUrl: base })),
  "@langchain/google-genai": () => langchain("@langchain/google-genai", (p, model) => new p.ChatGoogleGenerativeAI({ model, apiKey: key, maxRetries: 0, baseUrl: base })),
  "@openai/agents": async () => {
    const agents = await import("@openai/agents");
    const { default: OpenAI } = await import("openai");
    agents.setTracingDisabled(true);
    agents.setDefaultOpenAIClient(new OpenAI({ baseURL: base + "/v1", apiKey: key, maxRetries: 0 }));
    let asked;
    const tool = agents.tool({ name: "get_weather", description: "d", parameters: schema, strict: true, execute: async (input) => { asked = input; return "sunny"; } });
    const agent = (model, tools = []) => new agents.Agent({ name: "a", model, tools });
    return {
      text: async (m) => said((await agents.run(agent(m), "Hi!")).finalOutput),
      stream: async (m) => { const r = await agents.run(agent(m), "Hi!", { stream: true }); let s = ""; for await (const t of r.toTextStream()) s += t; await r.completed; said(s); },
      tools: async (m) => { said((await agents.run(agent(m, [tool]), "Hi!")).finalOutput); weather("get_weather", asked); },
      error: async () => { try { await agents.run(agent("no-such-model"), "Hi!"); } catch (e) { return check(String(e), e.status === 404); } throw new Error("no error"); },
    };
  },
};

async function aiSDK(name, make) {
  const { generateText, streamText, tool, jsonSchema, stepCountIs, isStepCount } = await import("ai");
  const provider = make(await import(name));
  const ask = (m, more) => ({ model: provider(m), prompt: "Hi!", maxRetries: 0, ...more });
  return {
    text: async (m) => said((await generateText(ask(m))).text),
    stream: async (m) => { let s = "", failed; for await (const t of streamText(ask(m, { onError: ({ error }) => { failed = error; } })).textStream) s += t; if (failed) throw failed; said(s); },
    tools: async (m) => {
      let asked;
      const tools = { get_weather: tool({ description: "d", inputSchema: jsonSchema(schema), execute: async (input) => { asked = input; return "sunny"; } }) };
      said((await generateText(ask(m, { tools, stopWhen: (stepCountIs ?? isStepCount)(3) }))).text);
      weather("get_weather", asked);
    },
    error: async () => { try { await generateText(ask("no-such-model")); } catch (e) { return check(String(e), e.statusCode === 404); } throw new Error("no error"); },
  };
}

async function langchain(name, make) {
  const p = await import(name);
  const { HumanMessage, ToolMessage } = await import("@langchain/core/messages");
  const hi = new HumanMessage("Hi!");
  return {
    text: async (m) => said((await make(p, m).invoke([hi])).text),
    stream: async (m) => { let s = ""; for await (const e of await make(p, m).stream([hi])) s += e.text; said(s); },
    tools: async (m) => {
      const model = make(p, m).bindTools([{ name: "get_weather", description: "d", schema }]);
      const first = await model.invoke([hi]);
      weather(first.tool_calls[0].name, first.tool_calls[0].args);
      said((await model.invoke([hi, first, new ToolMessage({ tool_call_id: first.tool_calls[0].id, content: "sunny" })])).text);
    },
    error: async () => { try { await make(p, "no-such-model").invoke([hi]); } catch (e) { return check(String(e), e.status === 404 || e.lc_error_code === "MODEL_NOT_FOUND"); } throw new Error("no error"); },
  };
}

// What each provider's trouble has to look like to a library: a status and a word that it knows, and never the end of a whole answer.
const statusOf = (e) => e.status ?? e.statusCode ?? e.response?.status;
const headerOf = (e, name) => e.headers?.get?.(name) ?? e.headers?.[name] ?? e.responseHeaders?.[name];
const throws = async (run) => { try { await run(); } catch (e) { if (String(e?.message).startsWith("unexpected: ")) throw e; return e; } throw new Error("no error"); };
const troubles = {
  limited: async (scenes, m) => {
    const e = await throws(() => scenes.text(m + "-limited"));
    check({ status: statusOf(e), after: headerOf(e, "retry-after") }, statusOf(e) === 429);
    if (e.headers || e.responseHeaders) check(headerOf(e, "retry-after"), headerOf(e, "retry-after") >= 1);
  },
  overload: async (scenes, m) => { const e = await throws(() => scenes.text(m + "-overload")); check(statusOf(e) ?? String(e), statusOf(e) >= 500); },
  overflow: async (scenes, m) => {
    const e = await throws(() => scenes.text(m + "-overflow"));
    if (e.name === "ContextOverflowError") return; // LangChain's own, for which it knows the providers' words
    check(statusOf(e) ?? String(e), statusOf(e) === 400 && /context_length_exceeded|prompt is too long|maximum context length|maximum number of tokens/.test(e.code + " " + e.message));
  },
  cut: async (scenes, m) => { await throws(() => scenes.stream(m + "-cut")); },
};

for (const [client, open] of Object.entries(clients)) {
  if (process.env.CLIENT && !client.includes(process.env.CLIENT)) continue;
  let scenes, failed;
  try { scenes = await open(); } catch (e) { failed = e; }
  for (const model of models)
    for (const scene of ["text", "stream", "tools", "error", ...Object.keys(troubles)]) {
      let detail = "";
      try { if (failed) throw failed; await (troubles[scene] ? troubles[scene](scenes, model) : scenes[scene](model)); } catch (e) { detail = String(e?.message ?? e).slice(0, 300) || "failed"; }
      console.log(JSON.stringify({ client, model, scene, ok: detail === "", detail }));
    }
}
process.exit(0);
