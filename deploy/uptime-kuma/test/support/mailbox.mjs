import { once } from "node:events";
import net from "node:net";

/** Just enough of an SMTP server (RFC 5321) to take mail. `mail` resolves with the first message, headers and body decoded. */
export async function startMailbox(t) {
    let deliver;
    const mail = new Promise((resolve) => (deliver = resolve));
    const server = net.createServer((socket) => {
        let text = "";
        let inData = false;
        socket.on("error", () => {});
        socket.write("220 mailbox\r\n");
        socket.setEncoding("utf8").on("data", (chunk) => {
            text += chunk;
            for (let end; (end = text.indexOf(inData ? "\r\n.\r\n" : "\r\n")) >= 0; ) {
                const part = text.slice(0, end);
                text = text.slice(end + (inData ? 5 : 2));
                if (inData) {
                    inData = false;
                    deliver(decoded(part));
                    socket.write("250 taken\r\n");
                } else {
                    inData = part.toUpperCase() === "DATA";
                    socket.write(inData ? "354 go on\r\n" : part.toUpperCase() === "QUIT" ? "221 bye\r\n" : "250 mailbox\r\n");
                }
            }
        });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    return { port: server.address().port, mail };
}

/** Undoes RFC 2047 words in headers, and the body's transfer encoding. */
function decoded(message) {
    const [head, ...rest] = message.split("\r\n\r\n");
    const body = rest.join("\r\n\r\n");
    const subject = head
        .replace(/\r\n\s+/g, " ")
        .replace(/\?=\s+=\?/g, "?==?")
        .replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_, how, word) =>
            how.toUpperCase() === "B" ? Buffer.from(word, "base64").toString() : unquoted(word.replaceAll("_", " ")));
    return `${subject}\n\n${/base64/i.test(head) ? Buffer.from(body, "base64").toString() : unquoted(body.replace(/=\r\n/g, ""))}`;
}

const unquoted = (text) => Buffer.from(text.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), "latin1").toString();
