// Package storetest gives tests a PostgreSQL database of their own.
package storetest

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Variable names the PostgreSQL server that tests may make schemas in: postgres://USER:PASSWORD@HOST/DATABASE.
const Variable = "ONE_API_TEST_POSTGRES"

// PostgreSQL is the address of an empty schema that goes with the test, which is skipped if there is no server for tests.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(Variable)
	if dsn == "" {
		t.Skip(Variable + " names no PostgreSQL server (postgres://USER:PASSWORD@HOST/DATABASE)")
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("test_%d", rand.Uint64()) //nolint:gosec // unique, not secret
	if _, err := db.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, err := db.Exec("DROP SCHEMA " + schema + " CASCADE")
		if err != nil {
			t.Error(err)
		}
		_ = db.Close()
	})
	at, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	query.Set("search_path", schema)
	at.RawQuery = query.Encode()
	return at.String()
}
