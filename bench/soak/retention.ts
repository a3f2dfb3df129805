/** Short, so that within minutes as much is deleted as is accepted: seconds after the end. */
export const RETENTION = { doneSeconds: 60, cancelledSeconds: 60, deadSeconds: 120 };
