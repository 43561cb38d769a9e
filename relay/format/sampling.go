package format

import "one-api/relay/llm"

// Sampling reads the members that say how the words of an answer are chosen, and are called the same in every format here. Other
// members are left alone: no other format has them, or nobody knows them.
func Sampling(name string, value []byte, r *llm.Request) (problem *Problem) {
	switch name {
	case "temperature":
		r.Note(llm.Temperature, name)
		problem = Float(value, &r.Temperature)
	case "top_p":
		r.Note(llm.SamplingTopP, name)
		problem = Float(value, &r.TopP)
	case "top_k":
		r.Note(llm.SamplingTopK, name)
		k := int64(0)
		if _, problem = Int(value, &k); problem == nil {
			r.TopK = &k
		}
	default:
		r.Note(llm.OtherMembers, name)
	}
	return problem.In(name)
}

// EffortOf is the effort of OpenAI that comes closest to a number of tokens to think with.
func EffortOf(tokens int64) string {
	switch {
	case tokens <= 2048:
		return "low"
	case tokens <= 8192:
		return "medium"
	}
	return "high"
}

// PlainEffort is an effort in the words of OpenAI's that every server of its formats knows: none asks for more than high.
func PlainEffort(effort string) string {
	switch effort {
	case "xhigh", "max":
		return "high"
	}
	return effort
}
