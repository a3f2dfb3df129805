/** Engine and version of a `RedisReplicationGroup`, with what depends on them. */
export class RedisEngineVersion {
  static readonly VALKEY_7_2 = RedisEngineVersion.valkey('7.2');
  static readonly VALKEY_8_0 = RedisEngineVersion.valkey('8.0');
  static readonly VALKEY_8_1 = RedisEngineVersion.valkey('8.1');
  static readonly VALKEY_8_2 = RedisEngineVersion.valkey('8.2');
  static readonly VALKEY_9_0 = RedisEngineVersion.valkey('9.0');
  static readonly VALKEY_9_1 = RedisEngineVersion.valkey('9.1');
  static readonly REDIS_6_2 = RedisEngineVersion.redis('6.2');
  static readonly REDIS_7_0 = RedisEngineVersion.redis('7.0');
  static readonly REDIS_7_1 = RedisEngineVersion.redis('7.1');

  /** A version of Valkey that this class does not know yet, such as '9.2'. */
  static valkey(version: string): RedisEngineVersion {
    return RedisEngineVersion.of('valkey', version, `valkey${majorOf(version)}`);
  }

  /** A version of Redis OSS that this class does not know yet; the last one on ElastiCache is 7.1. */
  static redis(version: string): RedisEngineVersion {
    const major = majorOf(version);
    return RedisEngineVersion.of('redis', version, major === 6 ? 'redis6.x' : `redis${major}`);
  }

  /**
   * Any engine and version.
   * @param parameterGroupFamily what `aws elasticache describe-cache-engine-versions` calls CacheParameterGroupFamily.
   */
  static of(engine: 'valkey' | 'redis', version: string, parameterGroupFamily: string): RedisEngineVersion {
    return new RedisEngineVersion(engine, version, parameterGroupFamily);
  }

  private constructor(
    readonly engine: 'valkey' | 'redis',
    readonly version: string,
    readonly parameterGroupFamily: string,
  ) {}

  /** Whether this is `version` of its engine or a later one. */
  isAtLeast(version: string): boolean {
    return compare(this.version, version) >= 0;
  }

  /** Whether ElastiCache can write this engine's data to a log over several zones. */
  get hasDurability(): boolean {
    return this.engine === 'valkey' && this.isAtLeast('9.0');
  }

  toString(): string {
    return `${this.engine} ${this.version}`;
  }
}

function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}

function compare(left: string, right: string): number {
  const a = left.split('.').map(Number);
  const b = right.split('.').map(Number);
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}
