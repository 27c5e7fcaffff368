import { hash } from 'node:crypto';

import type { Access } from '../../access/access.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../route.ts';

import { noQuery } from '../paging.ts';
import { route } from '../route.ts';

const STYLE = `
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { font: 17px/1.5 system-ui, sans-serif; margin: 0; padding: 8vh 20px; }
main { max-width: 25rem; margin: 0 auto; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
p { margin: 0 0 1.2rem; }
label { display: block; font-weight: 600; margin: 0 0 1rem; }
label span { display: block; font-weight: 400; font-size: .85rem; opacity: .75; }
input { font: inherit; font-weight: 400; width: 100%; padding: .55rem .7rem; margin-top: .25rem; border: 1px solid #8888; border-radius: .5rem; background: transparent; color: inherit; }
#code { text-transform: uppercase; letter-spacing: .06em; }
button { font: inherit; font-weight: 600; width: 100%; padding: .7rem; border: 0; border-radius: .5rem; background: #1a6b4f; color: #fff; cursor: pointer; }
button:disabled { opacity: .6; cursor: default; }
input:focus-visible, button:focus-visible { outline: 3px solid #3d9; outline-offset: 1px; }
[role=alert] { color: #c0271a; font-weight: 600; min-height: 1.5em; margin: 1rem 0 0; }
@media (prefers-color-scheme: dark) { [role=alert] { color: #ff8d80; } button { background: #2b9470; } }
code { font: .9em ui-monospace, monospace; background: #8883; padding: .1em .35em; border-radius: .3em; }
`;

/**
 * The code comes in the part of the address that browsers send to nobody, and is taken out of the address at once: it
 * would stay in the history otherwise. The login that the setup opens is ended, because the page keeps no token.
 */
const SCRIPT = `
const form = document.querySelector('form');
const alert = document.querySelector('[role=alert]');
const button = document.querySelector('button');
const code = document.querySelector('#code');
try { code.value = decodeURIComponent(location.hash.slice(1)); } catch { code.value = ''; }
history.replaceState(null, '', location.pathname);
if (code.value) document.querySelector('#username').focus(); else code.focus();
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  alert.textContent = '';
  const { password, again, username } = Object.fromEntries(new FormData(form));
  if (password !== again) {
    alert.textContent = 'The two passwords are not the same.';
    return;
  }
  button.disabled = true;
  try {
    const answer = await fetch('/api/auth/setup', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code: code.value.trim(), username: username.trim(), password }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail || 'The hub refused.');
    await fetch('/api/auth/logout', {
      method: 'POST',
      headers: { authorization: 'Bearer ' + body.access_token },
    }).catch(() => {});
    document.querySelector('#owner').textContent = username.trim();
    document.querySelector('#ask').hidden = true;
    document.querySelector('#done').hidden = false;
    document.querySelector('#done h1').focus();
  } catch (error) {
    alert.textContent = error instanceof TypeError
      ? 'The hub did not answer. Are you in its network?' : error.message;
  }
  button.disabled = false;
});
`;

const FORM = page(`
<section id="ask">
<h1>Your hub, your home</h1>
<p>Choose the name and the password of its owner. The setup code is good for one time.</p>
<form>
<label>Setup code <span>The hub shows it when it starts</span>
<input id="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="64"></label>
<label>Name
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64"></label>
<label>Password <span>At least 8 characters</span>
<input name="password" type="password" autocomplete="new-password" required minlength="8"></label>
<label>Password, once more
<input name="again" type="password" autocomplete="new-password" required minlength="8"></label>
<button>Become the owner</button>
<p role="alert"></p>
</form>
<noscript><p role="alert">This page needs JavaScript. Without it: the README shows the same as one command.</p></noscript>
</section>
<section id="done" hidden>
<h1 tabindex="-1">Welcome home, <span id="owner"></span></h1>
<p>You are the owner of this hub. Next, pair your phone: run <code>funkygibbon pair --phone</code> on the hub and scan
what it shows. The same command without <code>--phone</code> shows the code for Apple Home and the password for devices.</p>
</section>
<script>${SCRIPT}</script>`);

const TAKEN = page(`
<h1>This hub has an owner</h1>
<p>It was set up already. Log in with the app, or ask the owner for an account.</p>`);

/** One script and one style, known by their hashes; nothing else runs, loads or frames it. */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    `script-src 'sha256-${hash('sha256', SCRIPT, 'base64')}'`,
    `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
};

/** The page behind the link that the hub shows on its first start: `/setup#CODE`. */
export function setupPageRoutes({ access }: { access: Access }): Route[] {
  return [
    route({
      method: 'GET',
      path: '/setup',
      authority: 'public',
      summary:
        'A page on which a person becomes the owner; the setup code may stand behind a # in its address',
      query: noQuery,
      answer: { status: 200, schema: null, content: 'text/html' },
      handle: (): Reply => ({
        status: 200,
        headers: HEADERS,
        body: access.setupCode === null ? TAKEN : FORM,
        encoding: null,
      }),
    }),
  ];
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>FunkyGibbon</title>
<style>${STYLE}</style>
</head>
<body><main>${body}</main></body>
</html>
`;
}
