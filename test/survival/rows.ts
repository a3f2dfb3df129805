import type { Row } from './row';
import { acceptingRows } from './rows/accepting';
import { poisonRows } from './rows/poison';
import { redisRows } from './rows/redis';
import { workerRows } from './rows/workers';

/** Every fault that Holdfast survives, in the order of the report. */
export const ROWS: readonly Row[] = [...workerRows, ...poisonRows, ...acceptingRows, ...redisRows];
