package dashboardcheck

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

var write = flag.Bool("write", false, "write the PrometheusRule of deploy/kubernetes from deploy/prometheus/rules")

const (
	kubernetes     = "../../deploy/kubernetes"
	prometheusRule = kubernetes + "/components/prometheus-operator/prometheusrule.yaml"
	ruleHead       = `# deploy/prometheus/rules/*.yml as the Prometheus Operator wants them. Written from those files, and compared with them by the tests of
# testbed/dashboardcheck: change them there, then ` + "`go -C testbed test ./dashboardcheck -write`" + `.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: one-api
spec:
  groups:
`
)

func TestThePrometheusRuleOfKubernetesIsMadeOfTheRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(rules, "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	made := ruleHead
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		_, groups, ok := strings.Cut("\n"+string(text), "\ngroups:\n")
		require.True(t, ok, file)
		for line := range strings.Lines(groups) {
			if strings.TrimSpace(line) != "" {
				line = "  " + line
			}
			made += line
		}
	}
	if *write {
		require.NoError(t, os.WriteFile(prometheusRule, []byte(made), 0o644))
	}
	there, err := os.ReadFile(prometheusRule)
	require.NoError(t, err)
	require.Equal(t, made, string(there), "go -C testbed test ./dashboardcheck -write")
	require.NoError(t, yaml.Unmarshal(there, new(any)))
}

// kustomization is what our Kustomize files use.
type kustomization struct {
	Resources, Components []string
	ConfigMapGenerator    []struct{ Files []string } `yaml:"configMapGenerator"`
}

func TestEveryOverlayNamesWhatIsThere(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*/kustomization.yaml", "*/*/kustomization.yaml"} {
		found, err := filepath.Glob(filepath.Join(kubernetes, pattern))
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.GreaterOrEqual(t, len(files), 5)
	commented := regexp.MustCompile(`(?m)^# - (\S+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var k kustomization
		require.NoError(t, yaml.Unmarshal(text, &k), file)
		named := append(k.Resources, k.Components...)
		for _, g := range k.ConfigMapGenerator {
			named = append(named, g.Files...)
		}
		for _, offer := range commented.FindAllSubmatch(text, -1) {
			named = append(named, string(offer[1]))
		}
		for _, name := range named {
			_, err := os.Stat(filepath.Join(filepath.Dir(file), name))
			require.NoError(t, err, file)
		}
	}
}

func TestTheREADMEOfKubernetesNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(kubernetes, "README.md"))
	require.NoError(t, err)
	paths := regexp.MustCompile(`deploy/kubernetes/[a-z/-]+[a-z]`).FindAllString(string(text), -1)
	require.Greater(t, len(paths), 3)
	for _, path := range paths {
		if strings.HasSuffix(path, "/overlays/mine") {
			continue // the reader makes it
		}
		_, err := os.Stat(filepath.Join("../..", path))
		require.NoError(t, err)
	}
}

func TestNobodyButTheAutoscalerSaysHowManyReplicasThereAre(t *testing.T) {
	type object struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     struct {
			Replicas       *int
			ScaleTargetRef struct{ Kind, Name string } `yaml:"scaleTargetRef"`
		}
	}
	files, err := filepath.Glob(filepath.Join(kubernetes, "base", "*.yaml"))
	require.NoError(t, err)
	replicas, scaled := map[string]bool{}, []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var o object
			err := decoder.Decode(&o)
			if err == io.EOF {
				break
			}
			if err != nil || o.Kind == "" {
				break // not Kubernetes' own: a file that a ConfigMap is made of
			}
			if o.Spec.Replicas != nil {
				replicas[o.Kind+"/"+o.Metadata.Name] = true
			}
			if o.Kind == "HorizontalPodAutoscaler" {
				scaled = append(scaled, o.Spec.ScaleTargetRef.Kind+"/"+o.Spec.ScaleTargetRef.Name)
			}
		}
	}
	require.Equal(t, []string{"Deployment/one-api"}, scaled)
	require.Contains(t, replicas, "Deployment/otel-collector")
	for _, name := range scaled {
		require.NotContains(t, replicas, name, "an apply would take back what the HorizontalPodAutoscaler has done")
	}
}
