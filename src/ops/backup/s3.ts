import { createReadStream } from 'node:fs';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';

import type { S3Settings } from './types.ts';

import { errorText, HubError } from '../../base/errors.ts';

/** What is used of the package that signs requests (`aws4fetch`). It is loaded only where something goes to S3. */
export interface Signer {
  sign(
    url: string,
    init: { readonly method: string; readonly headers: Readonly<Record<string, string>> },
  ): Promise<Request>;
}
export interface SignerModule {
  readonly AwsClient: new (options: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly service: 's3';
    readonly region: string;
  }) => Signer;
}

/** What S3 takes in one request. */
const MAX_UPLOAD_BYTES = 5 * 1024 ** 3;
/** Silence after which the other side counts as gone. */
const SILENT_MS = 60_000;
const MAX_ANSWER_BYTES = 16 * 1024;
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface S3Object {
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower-case hex; it is part of the signature, so that the service refuses what was changed on the way. */
  readonly sha256: string;
}

/** A bucket of any service that speaks S3. Each file goes in one request, from the disk to the socket. */
export class S3Bucket {
  readonly #settings: S3Settings;
  readonly #loadSigner: () => Promise<SignerModule>;
  #signer: Promise<Signer> | undefined;

  /** @param loadSigner what signs; a test may bring its own. */
  constructor(
    settings: S3Settings,
    loadSigner: () => Promise<SignerModule> = async () => await import('aws4fetch'),
  ) {
    this.#settings = settings;
    this.#loadSigner = loadSigner;
  }

  /** Puts a file there, and asks whether it has arrived. @throws HubError `unavailable`, `forbidden`, `too_large`. */
  async put({ key, path, sizeBytes, sha256 }: S3Object, signal: AbortSignal): Promise<void> {
    if (sizeBytes > MAX_UPLOAD_BYTES) {
      throw new HubError('too_large', 'S3 takes at most 5 GiB in one piece, and this backup has more.');
    }
    await this.#send({ method: 'PUT', key, sha256, signal, upload: { path, sizeBytes } });
    const { headers } = await this.#send({ method: 'HEAD', key, sha256: SHA256_OF_NOTHING, signal });
    if (Number(headers['content-length']) === sizeBytes) return;
    throw new HubError('unavailable', `${this.#nameOf(key)} has not arrived in full; it is tried again.`);
  }

  /** Removes a file; one that is not there is no error. @throws HubError `unavailable`, `forbidden`. */
  async delete(key: string, signal: AbortSignal): Promise<void> {
    await this.#send({ method: 'DELETE', key, sha256: SHA256_OF_NOTHING, signal });
  }

  async #send(order: Order): Promise<IncomingMessage> {
    const { method, key, sha256, signal, upload } = order;
    const { endpoint, bucket } = this.#settings;
    const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
    const url = `${endpoint.replace(/\/+$/, '')}/${path}`;
    const signer = await (this.#signer ??= this.#load());
    const signed = await signer.sign(url, { method, headers: { 'x-amz-content-sha256': sha256 } });
    const headers = {
      ...Object.fromEntries(signed.headers),
      ...(upload && {
        'content-length': String(upload.sizeBytes),
        'content-type': 'application/octet-stream',
      }),
    };
    try {
      return await this.#exchange(url, { method, headers, signal }, upload, key);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof HubError) throw error;
      throw new HubError('unavailable', `${endpoint} cannot be reached: ${errorText(error)}.`, {
        cause: error,
      });
    }
  }

  async #exchange(
    url: string,
    options: {
      readonly method: string;
      readonly headers: Record<string, string>;
      readonly signal: AbortSignal;
    },
    upload: Order['upload'],
    key: string,
  ): Promise<IncomingMessage> {
    const send = url.startsWith('https:') ? tlsRequest : plainRequest;
    const request = send(url, options);
    const answered = Promise.withResolvers<IncomingMessage>();
    // While a body is being sent, the error comes both here and from the sending.
    answered.promise.catch(() => undefined);
    request.on('response', answered.resolve).on('error', answered.reject);
    request.setTimeout(SILENT_MS, () => request.destroy(new Error('it did not answer in time')));
    // A service that refuses answers before it has everything, and its answer says more than the broken sending.
    if (upload) pipeline(createReadStream(upload.path), request).catch(answered.reject);
    else request.end();
    const response = await answered.promise;
    const text = await readAnswer(response);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    request.destroy();
    throw this.#refusal(status, text, key, options.method);
  }

  #refusal(status: number, text: string, key: string, method: string): HubError {
    const [, code = `status ${status}`] = /<Code>([^<]{1,100})<\/Code>/.exec(text) ?? [];
    const what = `${this.#nameOf(key)}: the service refused ${method} with ${code}.`;
    if (status === 403 || status === 401) {
      return new HubError(
        'forbidden',
        `${what} Check backup.s3.access_key, backup.s3.secret_key and backup.s3.region, what the key may do in the bucket, and the clock of this machine.`,
      );
    }
    if (status === 404)
      return new HubError('not_found', `${what} Check backup.s3.bucket and backup.s3.endpoint.`);
    return new HubError('unavailable', what);
  }

  #nameOf(key: string): string {
    return `s3://${this.#settings.bucket}/${key}`;
  }

  async #load(): Promise<Signer> {
    const { accessKey, secretKey, region } = this.#settings;
    const { AwsClient } = await this.#loadSigner();
    return new AwsClient({
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      service: 's3',
      region,
    });
  }
}

interface Order {
  readonly method: 'PUT' | 'HEAD' | 'DELETE';
  readonly key: string;
  readonly sha256: string;
  readonly signal: AbortSignal;
  readonly upload?: { readonly path: string; readonly sizeBytes: number } | undefined;
}

async function readAnswer(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) {
    if (text.length < MAX_ANSWER_BYTES) text += String(piece);
  }
  return text;
}
