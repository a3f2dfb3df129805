import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ENVIRONMENT, LOCAL_RUN } from '../../../app/src/contract';
import { AppApi } from '../app-api/app-api';
import { missingError } from '../exit-codes';

export interface LocalAppOptions {
  /** The project's folder. */
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/**
 * The app that `npm start` runs in this project.
 * @throws OperationsError when it does not run, or its token is not known here.
 */
export function localApp({ root, environment, signal }: LocalAppOptions): AppApi {
  const file = (name: string): string | undefined => {
    const path = join(root, LOCAL_RUN.folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  };
  const baseUrl = file(LOCAL_RUN.address);
  if (baseUrl === undefined) {
    throw missingError(
      `The local app does not run: ${LOCAL_RUN.folder}/${LOCAL_RUN.address} is written while it does; start it with npm start.`,
    );
  }
  const given = environment[ENVIRONMENT.adminToken];
  const adminToken = given !== undefined && given !== '' ? given : file(LOCAL_RUN.adminToken);
  if (adminToken === undefined) {
    throw missingError(
      `The local app was started with an administration token of its own: set the same ${ENVIRONMENT.adminToken}.`,
    );
  }
  const tokenFrom = given === undefined ? `${LOCAL_RUN.folder}/${LOCAL_RUN.adminToken}` : ENVIRONMENT.adminToken;
  return new AppApi({ baseUrl, adminToken, tokenFrom, signal });
}
