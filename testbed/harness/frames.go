package harness

import (
	"io"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// ServeFrames is the part of an HTTP/2 server that speaks frame by frame and is the same in all of them, until the connection ends.
// data may be nil: what is sent of bodies is not looked at.
func ServeFrames(conn net.Conn, header func(*http2.Framer, *http2.MetaHeadersFrame), data func(*http2.Framer, *http2.DataFrame)) {
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = framer.WritePing(true, f.Data)
			}
		case *http2.MetaHeadersFrame:
			header(framer, f)
		case *http2.DataFrame:
			if data != nil {
				data(framer, f)
			}
		}
	}
}
