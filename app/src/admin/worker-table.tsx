import type { LibraryTime } from '../library/time';
import type { WorkerStatus } from '../tasks';
import { count, duration } from './amounts';
import { Since } from './since';
import { Table } from './table';

export interface WorkerTableProps {
  readonly workers: readonly WorkerStatus[];
  readonly now: Date;
  readonly time: LibraryTime;
}

export function WorkerTable({ workers, now, time }: WorkerTableProps) {
  return (
    <Table
      caption="Workers that live, the oldest first"
      rows={workers}
      keyOf={(worker) => worker.id}
      columns={[
        { heading: 'Kind', cell: (worker) => worker.kind },
        { heading: 'Host', cell: (worker) => `${worker.host}, process ${worker.pid}` },
        { heading: 'State', cell: state },
        { heading: 'Running', numeric: true, cell: (worker) => `${count(worker.running)} of ${worker.concurrency}` },
        { heading: 'Heartbeat', numeric: true, cell: (worker) => `${duration(worker.heartbeatAgeSeconds)} ago` },
        { heading: 'Up for', numeric: true, cell: (worker) => <Since at={worker.startedAt} now={now} time={time} /> },
        { heading: 'Queues', cell: (worker) => worker.queues.join(', ') },
      ]}
    />
  );
}

function state({ draining, source }: WorkerStatus) {
  if (draining) return <span class="state warn">draining</span>;
  const good = <span class="state good">takes tasks</span>;
  return source === 'redis' ? good : <>{good} from PostgreSQL</>;
}
