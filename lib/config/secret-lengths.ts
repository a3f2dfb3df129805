/**
 * Characters of generated secrets, of letters and digits: those that the stacks make, and those of a rotation.
 * RDS takes up to 128 for PostgreSQL, ElastiCache 16 to 128.
 */
export const SECRET_LENGTHS = { database: 40, redis: 64, token: 64 } as const;
