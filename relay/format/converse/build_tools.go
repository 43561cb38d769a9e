package converse

import (
	"slices"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// tools says the tools. A conversation with calls in it is refused without: then they are those that have been called.
func (b *builder) tools() {
	tools, how := b.r.Tools, b.r.Choice.How
	called := b.called()
	switch {
	case len(tools) == 0 && len(called) == 0, how == llm.ChoiceNone && len(called) == 0:
		return
	case len(tools) == 0:
		for _, name := range called {
			tools = append(tools, llm.Tool{Name: name})
		}
		how = llm.ChoiceNone
	}
	b.Key("toolConfig")
	b.Open('{')
	b.Key("tools")
	b.Open('[')
	for i := range tools {
		b.tool(&tools[i])
		if b.habits.keeps {
			b.cache(tools[i].Cache)
		}
	}
	b.Close(']')
	b.choice(how)
	b.Close('}')
}

// called is the names of the tools that earlier answers call.
func (b *builder) called() (names []string) {
	for _, turn := range b.turns {
		for _, p := range turn.Parts {
			if p.Kind == llm.ToolCall && !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

func (b *builder) tool(tool *llm.Tool) {
	b.Open('{')
	b.Key("toolSpec")
	b.Open('{')
	b.String("name", b.name(tool.Name))
	if !format.IsBlank(tool.Description) {
		b.String("description", tool.Description)
	}
	b.Key("inputSchema")
	b.Open('{')
	b.ObjectSchema("json", tool.Schema)
	b.Close('}')
	switch {
	case tool.Strict == nil || !*tool.Strict:
	case b.habits.schemas:
		b.Literal("strict", "true")
	default:
		b.drop(llm.StrictTools)
	}
	b.Close('}')
	b.Close('}')
}

// choice says which tool has to be used. What there is no member for is said in words: there is no "none" at all.
func (b *builder) choice(how llm.Choosing) {
	name := b.r.Choice.Name
	switch {
	case how == llm.ChoiceNone:
		b.inWords = append(b.inWords, noCalls)
		return
	case how == llm.ChoiceTool && !b.habits.named:
		b.inWords = append(b.inWords, thisCall+b.name(name))
		b.drop(llm.ForcedTools)
		return
	case how == llm.ChoiceAny && !b.habits.forced:
		b.inWords = append(b.inWords, oneCall)
		b.drop(llm.ForcedTools)
		return
	case how == llm.ChoiceUnsaid:
		return
	}
	b.Key("toolChoice")
	b.Open('{')
	switch how {
	case llm.ChoiceAny:
		b.Literal("any", "{}")
	case llm.ChoiceTool:
		b.Key("tool")
		b.Open('{')
		b.String("name", b.name(name))
		b.Close('}')
	case llm.ChoiceUnsaid, llm.ChoiceAuto, llm.ChoiceNone:
		b.Literal("auto", "{}")
	}
	b.Close('}')
}

// name is a tool's name in the letters that the API takes; the answer is told what became of it.
func (b *builder) name(name string) string {
	plain := format.PlainID(name)
	short := b.t.Name(plain)
	if short != name {
		if b.t.Names == nil {
			b.t.Names = map[string]string{}
		}
		b.t.Names[short] = name
	}
	return short
}
