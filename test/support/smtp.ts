import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A mail as it came. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body, dots unstuffed. */
  readonly data: string;
}

export interface TestSmtp extends AsyncDisposable {
  readonly port: number;
  readonly mails: TakenMail[];
  /** User names and passwords that were offered, as `user:password`. */
  readonly logins: string[];
  /** What a command is answered with instead, by its first word (RCPT also by the address); `greeting` and `body` too. Empty: silence. */
  readonly instead: Map<string, string>;
}

/** A small mail server on loopback that speaks as much SMTP as one client needs, without TLS. */
export async function startTestSmtp(): Promise<TestSmtp> {
  const mails: TakenMail[] = [];
  const logins: string[] = [];
  const instead = new Map<string, string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    talk(socket, { mails, logins, instead });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    logins,
    instead,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function talk(
  socket: Socket,
  { mails, logins, instead }: Pick<TestSmtp, 'mails' | 'logins' | 'instead'>,
): void {
  let [text, from, isBody] = ['', '', false];
  let to: string[] = [];
  const say = (word: string, usual: string): void => {
    const line = instead.get(word) ?? usual;
    if (line !== '') socket.write(`${line}\r\n`);
  };
  const address = (line: string): string => /<(.*?)>/.exec(line)?.[1] ?? '';
  const take = (line: string): void => {
    const word = line.split(/[ :]/, 1)[0]?.toUpperCase() ?? '';
    if (word === 'EHLO') say(word, '250-smtp.test\r\n250-AUTH PLAIN\r\n250 8BITMIME');
    else if (word === 'STARTTLS') say(word, '502 there is no TLS here');
    else if (word === 'AUTH') {
      const [, user = '', password = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
        .toString()
        .split('\0');
      logins.push(`${user}:${password}`);
      say(word, '235 welcome');
    } else if (word === 'MAIL') {
      [from, to] = [address(line), []];
      say(word, '250 ok');
    } else if (word === 'RCPT') {
      to.push(address(line));
      say(address(line), instead.get(word) ?? '250 ok');
    } else if (word === 'DATA') {
      isBody = true;
      say(word, '354 go on');
    } else if (word === 'QUIT') socket.end('221 bye\r\n');
    else say(word, '250 ok');
  };
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (;;) {
      const end = text.indexOf(isBody ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const part = text.slice(0, end);
      text = text.slice(end + (isBody ? 5 : 2));
      if (!isBody) {
        take(part);
        continue;
      }
      isBody = false;
      const answer = instead.get('body');
      if (answer === undefined) mails.push({ from, to, data: part.replaceAll('\r\n..', '\r\n.') });
      say('body', '250 taken');
    }
  });
  say('greeting', '220 smtp.test');
}
