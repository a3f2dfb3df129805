-- Pushes ids to a lane's list, never beyond the window.
-- KEYS: generation of the queue, list, overflow mark.  ARGV: window, 'acceptor' or 'relay', ids ...
-- Answers how many ids were pushed, from the first; -1 when an acceptor has to leave it to the relay.
-- An acceptor pushes only to lists that the relay has filled (generation is there) and while the ledger holds no more
-- than the list (no overflow mark): otherwise new tasks would overtake old ones.
if ARGV[2] == 'acceptor' and (redis.call('exists', KEYS[1]) == 0 or redis.call('exists', KEYS[3]) == 1) then
  return -1
end
local ids = #ARGV - 2
local room = tonumber(ARGV[1]) - redis.call('llen', KEYS[2])
local pushed = math.max(0, math.min(room, ids))
for first = 3, pushed + 2, 1000 do
  redis.call('rpush', KEYS[2], unpack(ARGV, first, math.min(first + 999, pushed + 2)))
end
if pushed < ids then
  redis.call('set', KEYS[3], '1')
end
return pushed
