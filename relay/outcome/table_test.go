package outcome

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheTableSaysWhatFollowsFromEachEnding(t *testing.T) {
	type row struct {
		outcome                 Outcome
		class                   Class
		moveOn, blame, clearing bool
		key                     KeyAction
	}
	for _, want := range []row{
		{Completed, ClassNone, false, false, true, KeyRevives},
		{ClientGone, ClassNone, false, false, false, KeyKeeps},
		{ClientStalled, ClassNone, false, false, false, KeyKeeps},
		{ConnectFailed, ClassNone, true, true, false, KeyKeeps},
		{HeaderTimeout, ClassNone, true, true, false, KeyKeeps},
		{FirstTokenTimeout, ClassNone, true, true, false, KeyKeeps},
		{IdleTimeout, ClassNone, true, true, false, KeyKeeps},
		{UpstreamReset, ClassNone, true, true, false, KeyKeeps},
		{UpstreamTruncated, ClassNone, true, true, false, KeyKeeps},
		{UpstreamMalformed, ClassNone, true, true, false, KeyKeeps},
		{TooLarge, ClassNone, true, false, false, KeyKeeps}, // a request can ask for that much
		{TooLarge, ClassRelay, true, false, false, KeyKeeps},
		{Rejected, ClassNone, true, false, false, KeyKeeps},
		{OperatorEnded, ClassNone, true, false, false, KeyKeeps},
		{Panic, ClassNone, false, false, false, KeyKeeps},
		{Shutdown, ClassNone, false, false, false, KeyKeeps},
		{UpstreamStatus, ClassRequest, false, false, true, KeyKeeps},
		{UpstreamStatus, ClassElsewhere, true, false, false, KeyKeeps},
		{UpstreamStatus, ClassMisplaced, true, true, false, KeyKeeps},
		{UpstreamStatus, ClassKeyRefused, true, true, false, KeyRests}, // the operator's account counts, and clears on any success
		{UpstreamStatus, ClassUnauthorized, true, false, false, KeyDoubted},
		{UpstreamStatus, ClassForbidden, true, false, false, KeyDoubted},
		{UpstreamStatus, ClassPage, true, false, false, KeyKeeps},
		{UpstreamStatus, ClassKeyLimited, true, false, false, KeyCools},
		{UpstreamStatus, ClassModelLimited, true, false, false, KeyKeeps}, // the key is good for other models
		{UpstreamStatus, ClassBehind, true, false, false, KeyKeeps},
		{UpstreamStatus, ClassUnserved, true, false, false, KeyKeeps}, // clients choose the endpoint
		{UpstreamStatus, ClassServer, true, true, false, KeyKeeps},
		{UpstreamErrorEvent, ClassRequest, false, false, true, KeyKeeps},
		{UpstreamErrorEvent, ClassKeyLimited, true, false, false, KeyCools},
		{UpstreamErrorEvent, ClassServer, true, true, false, KeyKeeps},
	} {
		v := Judge(want.outcome, want.class)
		require.Equal(t, want, row{want.outcome, want.class, v.MoveOn, v.CountsAsFailure, v.CountsAsSuccess, v.Key}, want.outcome)
	}
}

func TestEveryOutcomeHasItsNameFromTheContract(t *testing.T) {
	names := map[string]bool{}
	for o := range Count {
		require.NotEmpty(t, o.String())
		names[o.String()] = true
	}
	require.Len(t, names, 17)
}

func TestNoRequestIsTriedWithAnotherKeyForWhatItMayHaveBroughtAbout(t *testing.T) {
	for class := range classes {
		v := Judge(UpstreamStatus, class)
		require.Equal(t, class == ClassKeyRefused || class == ClassUnauthorized || class == ClassKeyLimited, v.AnotherKey, class)
		require.Equal(t, class == ClassPage, v.CountsAsDoubt, class)
		require.False(t, v.CountsAsFailure && (v.CountsAsDoubt || v.Key == KeyDoubted), "a doubt is no blame yet")
	}
}
