package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestALineSaysHowManyRefusalsHadNone(t *testing.T) {
	var r refusals
	now := time.Now()
	for i := range 20 {
		ok, _ := r.admit(now)
		assert.Equal(t, i < RefusalsLogged, ok)
	}
	ok, passedOver := r.admit(now.Add(time.Second))
	assert.True(t, ok)
	assert.Equal(t, 20-RefusalsLogged, passedOver)
	_, passedOver = r.admit(now.Add(time.Second))
	assert.Zero(t, passedOver)
}
