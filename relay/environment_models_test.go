package relay

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
)

// TestAKeyFromTheEnvironmentAloneGivesAListOfModels also if its provider cannot be asked for its own: each model in it can be called, and
// what the provider lists takes its place.
func TestAKeyFromTheEnvironmentAloneGivesAListOfModels(t *testing.T) {
	tried := 0
	for kind, p := range Providers {
		for _, variable := range p.KeyVariables {
			t.Run(kind+" by "+variable, func(t *testing.T) {
				env := map[string]string{variable: "key-" + strings.Repeat("0123456789abcdef", 3), "INITIAL_ROOT_TOKEN": "sk-test-0123456789abcdef", "AWS_REGION": "us-east-1"}
				source := config.Source{Providers: ConfigProviders(), Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
				settings, err := config.LoadSettings(source)
				require.NoError(t, err)
				cfg, err := config.Load(source, settings)
				require.NoError(t, err)
				require.Len(t, cfg.Channels, 1)
				pool := channel.NewPool(channel.PoolOptions{Providers: Providers, Log: slog.New(slog.DiscardHandler)})
				defer pool.Close()
				pool.Apply(cfg.Channels)
				who := channel.Caller{AllGroups: true}
				silent := func(_ *channel.Channel, tell channel.Tell) { go tell(nil, false) }
				listed := pool.Set().ListModels(context.Background(), who, silent)
				require.NotEmpty(t, listed, "a channel that can be called, and nothing to choose from")
				for _, model := range listed {
					require.True(t, pool.Set().Serves(who, model), model)
				}
			})
			tried++
		}
	}
	require.Greater(t, tried, 10)
}
