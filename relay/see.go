package relay

import (
	"one-api/relay/channel"
	"one-api/relay/membudget"
)

// What a program that embeds a server, or a test of one, may see of it.

// Serving reports whether Serve has begun to take clients.
func (s *Server) Serving() bool { return s.baseline.Load() > 0 }

// Active is how many requests are being served.
func (s *Server) Active() int64 { return s.gates.Intake.Active() }

// Sockets is how many websockets are open.
func (s *Server) Sockets() int64 { return s.controller.Sockets() }

// Pool is the channels, and what is kept of them across reloads.
func (s *Server) Pool() *channel.Pool { return s.pool }

// Budget is the memory that bodies may take, and who holds how much of it.
func (s *Server) Budget() *membudget.Budget { return s.budget }

// Spooled is how many bytes of large uploads are on disk, and of how many.
func (s *Server) Spooled() (bytes, bodies int64) { return s.spool.Used() }

// ClientConnections is how many connections clients have open, and how many of those wait for a request.
func (s *Server) ClientConnections() (open, idle int64) {
	return s.clients.open.Load(), s.clients.idle.Load()
}

// ReservedConnections is how many connections are open, of at most ReservedSeats, that a look at the relay's health came in by while
// MAX_CLIENT_CONNECTIONS were in use.
func (s *Server) ReservedConnections() int64 { return s.reserve.open.Load() }
