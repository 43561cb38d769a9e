package dashboardcheck

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

// recordedName is the name of a recorded series: level:metric:operation.
var recordedName = regexp.MustCompile(`\b[a-z]+:[a-z_]+:[a-z0-9]+\b`)

func allRules(t *testing.T) (all []rule) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(rules, "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var content struct{ Groups []struct{ Rules []rule } }
		require.NoError(t, yaml.Unmarshal(text, &content), file)
		for _, g := range content.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func TestEveryAlertSaysWhatItIsAndWhereToRead(t *testing.T) {
	recorded := map[string]bool{}
	for _, r := range allRules(t) {
		recorded[r.Record] = true
	}
	for _, r := range allRules(t) {
		for _, name := range recordedName.FindAllString(r.Expr, -1) {
			require.True(t, recorded[name], "%s asks for %s, which nobody records", r.Alert, name)
		}
		if r.Alert == "" {
			continue
		}
		require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"], r.Alert)
		require.Equal(t, "deploy/RUNBOOK.md#"+strings.ToLower(r.Alert), r.Annotations["runbook_url"], r.Alert)
		require.NotEmpty(t, r.Annotations["summary"], r.Alert)
		require.NotEmpty(t, r.Annotations["description"], r.Alert)
		if strings.HasPrefix(r.Alert, "Channel") {
			require.Contains(t, r.Annotations["summary"], "{{ $labels.relay_channel_name }}", "%s names the channel", r.Alert)
			require.Contains(t, r.Annotations["dashboard"], "{{ $labels.relay_channel_name }}", "%s leads to the channel", r.Alert)
		}
	}
}

// sections is the runbook by its headings.
func sections(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/RUNBOOK.md")
	require.NoError(t, err)
	all := map[string]string{}
	name := ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "## ") {
			name = strings.TrimSpace(strings.TrimLeft(line, "# "))
			continue
		}
		all[name] += line
	}
	return all
}

func TestEveryAlertHasASectionThatEndsAtTheChannelAndTheLeakReport(t *testing.T) {
	runbook := sections(t)
	alerts := 0
	for _, r := range allRules(t) {
		if r.Alert == "" {
			continue
		}
		alerts++
		section, there := runbook[r.Alert]
		require.True(t, there, "deploy/RUNBOOK.md has no section %s", r.Alert)
		require.Contains(t, strings.ToLower(section), "disable that channel", r.Alert)
		require.Contains(t, section, "/api/channel/NAME/disable", r.Alert)
		require.Contains(t, section, "$ADMIN_TOKEN", r.Alert)
		for _, report := range []string{"/api/monitor/goroutines", "/api/monitor/leaks"} {
			require.Contains(t, section, report, r.Alert)
		}
		_, chinese, there := strings.Cut(section, "**中文**：")
		require.True(t, there, "%s has no Chinese short form", r.Alert)
		require.Contains(t, chinese, "停用", r.Alert)
		require.Contains(t, chinese, "泄漏报告", r.Alert)
	}
	require.Equal(t, 28, alerts)
}

func TestEveryAlertIsTestedToFireAndToStayQuiet(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(rules, "tests", "*.yml"))
	require.NoError(t, err)
	tests := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		tests += string(text)
	}
	for _, r := range allRules(t) {
		if r.Alert != "" {
			require.Contains(t, tests, r.Alert, "no test of the rules names it")
		}
	}
	require.Contains(t, tests, "exp_samples: []")
}
