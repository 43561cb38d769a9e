package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// asker is for what is asked beside the load; each question brings its own clock, of patience and what it takes by itself. It
// keeps no connection that would be counted as the subject's.
var asker = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

const patience = time.Minute

// readProfile reads one of the subject's profiles: a name below /debug/pprof/, with its query. lasts is how long it records.
func (s *subject) readProfile(ctx context.Context, what string, lasts time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience+lasts)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.profiles+what, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	response, err := asker.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the profile %s of %s: %w", what, s.name, err)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the profile %s of %s: status %d: %.300s", what, s.name, response.StatusCode, data)
	}
	return data, nil
}
