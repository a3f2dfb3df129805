-- Pushes ids to a lane's list, never beyond the window.
-- KEYS: generation of the queue, list, overflow mark.  ARGV: window, 'acceptor', 'returner' or 'relay', ids ...
-- Answers how many ids were pushed, from the first; -1 when it has to be left to the relay.
-- Only the relay pushes to lists that it has not filled yet (generation is there). An acceptor pushes only while the ledger
-- holds no more than the list (no overflow mark): otherwise new tasks would overtake old ones. Who returns tasks that were
-- claimed before puts them first, in the order in which they are named, as they are older than what waits, in the list or in
-- the ledger; from a full list the youngest go, which the relay's next look brings back.
local who = ARGV[2]
if who ~= 'relay' and redis.call('exists', KEYS[1]) == 0 then
  return -1
end
if who == 'acceptor' and redis.call('exists', KEYS[3]) == 1 then
  return -1
end
if who == 'returner' then
  for i = #ARGV, 3, -1 do
    redis.call('lpush', KEYS[2], ARGV[i])
  end
  local window = tonumber(ARGV[1])
  if redis.call('llen', KEYS[2]) > window then
    redis.call('ltrim', KEYS[2], 0, window - 1)
    redis.call('set', KEYS[3], '1')
  end
  return #ARGV - 2
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
