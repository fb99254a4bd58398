"""Scripts whose results must not depend on how many processes run them."""

#: Conductances, plasticity, delays of their own, inputs, monitors, two runs, values set and read.
PLASTIC = """
seed(12)
G = NeuronGroup(200, '''dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
    dge/dt = -ge/(5*ms) : volt
    dgi/dt = -gi/(10*ms) : volt''', threshold='v > -50*mV', reset='v = -60*mV',
    refractory=5*ms, method='exact')
G.v = '-60*mV + rand()*10*mV'
P = PoissonGroup(50, 60*Hz)
E = Synapses(G[:160], G, 'w : volt', on_pre='ge += w')
I = Synapses(G[160:], G, on_pre='gi -= 9*mV')
E.connect(p=0.2)
I.connect(p=0.2)
E.w = '1.62*mV*(0.5 + rand())'
E.delay = 'rand()*3*ms'
input = Synapses(P, G, on_pre='ge += 3*mV')
input.connect(p=0.2)
more = PoissonInput(G[20:90], 'ge', 10, 30*Hz, 1*mV)
plastic = Synapses(G, G, '''ws : 1
    dapre/dt = -apre/(20*ms) : 1 (event-driven)
    dapost/dt = -apost/(20*ms) : 1 (event-driven)''',
    on_pre='''ge += ws*0.1*mV
    apre += 0.01
    ws = clip(ws + apost, 0, 1)''',
    on_post='''apost -= 0.01
    ws = clip(ws + apre, 0, 1)''')
plastic.connect(i=np.arange(200).repeat(4), j=(np.arange(800)*7) % 200)
plastic.connect('abs(i - j) == 3')
plastic.ws = np.linspace(0, 1, len(plastic))
plastic.ws[5:9] = 0.5
plastic.ws['i > 150'] = 'rand()'
spikes, inputs = SpikeMonitor(G), SpikeMonitor(P)
part = SpikeMonitor(G[30:150], variables='v')
counted = SpikeMonitor(G[:100], record=False)
rates = PopulationRateMonitor(G[10:120])
states = StateMonitor(G, ['v', 'ge'], record=[0, 5, 100, 199])
weights = StateMonitor(plastic, ['ws', 'v_post'], record=[0, 3, 700, len(plastic) - 1])
run(30*ms)
G.v[3:180] = -55*mV
E.w['j == 5'] = 0*mV
run(30*ms)
assert spikes.num_spikes > 100
results |= dict(
    i=spikes.i[:], t=spikes.t_[:], n=spikes.count[:], rate=rates.rate_[:], v=states.v_[:],
    ge=states.ge_[:], now=G.v_[:], w=E.w_[:], ws=plastic.ws[:], d=E.delay_[:], pi=inputs.i[:],
    si=part.i[:], sv=part.v_[:], sn=part.count[:], cn=counted.count[:], ci=E.i[:], cj=E.j[:],
    size=[len(E), E.N[:], len(plastic)], incoming=E.N_incoming_post, outgoing=E.N_outgoing_pre,
    some=E.w_[5:10], row=E.w_[3, :], chosen=E.w_['i < 5'], last=G.spikes, weights=weights.ws[:],
    v_post=weights.v_post_[:], places=plastic.indices['ws < 0.1'], part=plastic.ws[plastic[3, :]],
)
"""

#: Sums over synapses of what lies on both sides, noise, chance in synapses, synapses that write to
#: both sides, an object that Brian runs, a state that is stored and restored.
COUPLED = """
seed(13)
G = NeuronGroup(120, '''dv/dt = (1.1 - v)/(20*ms) + 0.1*xi/sqrt(20*ms) : 1
    pull : 1
    dy/dt = (pull - y)/(10*ms) : 1''', threshold='v > 1', reset='v = 0', method='euler')
G.v = 'rand()'
S = Synapses(G, G, '''w : 1
    du/dt = -u/(20*ms) : 1 (clock-driven)
    pull_post = w*(v_pre - v_post) : 1 (summed)''',
    on_pre='''v_post += 0.02*w*(rand() < 0.5)
    u += 1''', method='euler')
S.connect('i != j', p=0.1)
S.w = 'rand()'
S.pre.delay = '1*ms + rand()*2*ms'
both = Synapses(G, G, on_pre='''v_post += 0.001
    v_pre -= 0.001''')
both.connect(p=0.02)
back = Synapses(G, G, on_post='v_pre += 0.003', delay={'post': 2*ms})
back.connect(p=0.05)
spikes, rates = SpikeMonitor(G), PopulationRateMonitor(G[20:90])
states = StateMonitor(S, ['u', 'w'], record=[0, 7, 100, 300])
seen = []
@network_operation(dt=5*ms)
def look():
    seen.append((len(spikes.i), np.sum(G.v[:]), np.sum(S.u[:]), spikes.count[:].sum()))
    G.v[:5] = 0.5
run(20*ms)
store()
store(filename='state')
run(10*ms)
results |= dict(i=spikes.i[:], t=spikes.t_[:], v=G.v[:], y=G.y[:], u=S.u[:], us=states.u[:],
                rate=rates.rate_[:], seen=np.array(seen))
restore(restore_random_state=True)
run(10*ms)
results |= dict(again=G.v[:], u_again=S.u[:], i_again=spikes.i[:])
"""

#: Spikes that wait for each other: delays of their own from 1 ms on, some of all the same, and some
#: of none elsewhere; runs that end in between; delays that are no longer there in the last run.
DELAYED = """
seed(14)
G = NeuronGroup(160, 'dv/dt = (1.05 - v)/(20*ms) : 1', threshold='v > 1', reset='v = 0',
                method='exact')
G.v = 'rand()'
P = PoissonGroup(40, 50*Hz)
E = Synapses(G[:120], G, 'w : 1', on_pre='v_post += w')
E.connect(p=0.2)
E.w = '0.03*rand()'
E.delay = '1*ms + 3*ms*rand()'
I = Synapses(G[120:], G, on_pre='v_post -= 0.05', delay=1.5*ms)
I.connect(p=0.2)
input = Synapses(P, G, on_pre='v_post += 0.1')
input.connect(p=0.2)
plastic = Synapses(G, G, 'x : 1', on_pre='x += 0.1', on_post='x *= 0.9', delay={'pre': 2*ms})
plastic.connect(p=0.1)
spikes, rates = SpikeMonitor(G), PopulationRateMonitor(G)
@network_operation(dt=7*ms)
def look():
    G.v[:3] = spikes.num_spikes/1000
run(20.3*ms)
results |= dict(first=np.array(G.v), x_first=np.array(plastic.x))
look.active = False
run(10.1*ms)
told = str(brian2genn.explain())
E.delay['i < 7'] = 0*ms
run(10*ms)
assert spikes.num_spikes > 200
results |= dict(i=spikes.i[:], t=spikes.t_[:], v=G.v[:], x=plastic.x[:], rate=rates.rate_[:])
"""

#: Long runs, in which neurons keep what their synapses have in common: of synapses that are apart.
TRACED = """
seed(15)
G = NeuronGroup(100, 'dv/dt = (1.1 - v)/(10*ms) : 1', threshold='v > 1', reset='v = 0',
                method='exact')
G.v = 'rand()'
P = PoissonGroup(60, 30*Hz)
rule = dict(
    model='''w : 1
    dapre/dt = -apre/(20*ms) : 1 (event-driven)
    dapost/dt = -apost/(20*ms) : 1 (event-driven)''',
    on_pre='''v_post += w*0.01
    apre += 0.01
    w = clip(w + apost, 0, 1)''',
    on_post='''apost -= 0.0105
    w = clip(w + apre, 0, 1)''',
)
back = dict(rule, on_pre=rule['on_pre'].replace('v_post', 'v_pre'))
made = [Synapses(P, G, **rule), Synapses(G, G, **rule, delay=1*ms), Synapses(P, G, **rule),
        Synapses(G, G, **back)]
for synapses in made:
    synapses.connect(p=0.3)
    synapses.w = 'rand()'
made[2].delay = 'int(rand()*4)*0.5*ms'
going_on = Synapses(
    G, G, '''w : 1
    ds/dt = -s/(5*ms) : 1 (clock-driven)''', on_pre='''s += 0.1
    v_post += w*0.001''', method='exact')
going_on.connect(p=0.4)
going_on.w = 'rand()'
spikes = SpikeMonitor(G)
net = Network(G, P, made, going_on, spikes)

def note(tag):
    for k, synapses in enumerate(made):
        for name in ('w', 'apre', 'apost', 'lastupdate'):
            results[f'{tag} {name}{k}'] = np.array(getattr(synapses, name)[:])
    results[f'{tag} s'] = np.array(going_on.s[:])
    results[f'{tag} v'], results[f'{tag} i'] = np.array(G.v[:]), np.array(spikes.i[:])
    results[f'{tag} kept'] = [str(brian2genn.explain()).count('Neurons keep')]

net.run(30*ms)
note('short')
net.run(150*ms)
note('long')
assert results['long kept'] == [5]
net.run(110.5*ms, report=lambda *_: made[0].apre[:].sum(), report_period=1*ms)
note('again')
assert results['again kept'] == [5]
made[2].delay['i == 3'] = 2.1*ms
net.run(100*ms)
note('other delays')
"""

#: Gap junctions, links, sums onto both sides; a pathway that reads what it writes; two clocks.
WOVEN = """
seed(5)
G = NeuronGroup(100, '''dv/dt = (I + gap - v)/(10*ms) : 1 (unless refractory)
    gap : 1
    I : 1
    outsum : 1
    z : 1 (linked)''', threshold='v > 1', reset='v = 0', refractory='2*ms + 1*ms*(i%3)',
    method='euler')
H = NeuronGroup(30, 'dz/dt = (1 - z)/(10*ms) : 1', method='exact')
H.z = 'rand()'
G.z = linked_var(H, 'z', index=np.arange(100)//4)
G.I = '1 + 0.3*rand()'
J = Synapses(G, G, '''w : 1
    gap_post = w*(v_pre - v_post) : 1 (summed)''')
J.connect('i != j', p=0.1)
J.w = '0.05*rand()'
outgoing = Synapses(G, G, '''q : 1
    outsum_pre = q*v_post : 1 (summed)''')
outgoing.connect(p=0.05)
outgoing.q = 'rand()'
B = Synapses(G, G, on_pre={'a': 'v_post += 0.01', 'b': 'v_post -= 0.005*v_pre'},
             delay={'a': 1*ms, 'b': 2.3*ms})
B.connect(p=0.1)
spikes, rates = SpikeMonitor(G), PopulationRateMonitor(G)
states = StateMonitor(G, ['v', 'gap', 'z'], record=[0, 50, 99], dt=0.3*ms)
run(25*ms)
G.I[40:60] = 2
run(10*ms)
results |= dict(v=G.v[:], outsum=G.outsum[:], i=spikes.i[:], t=spikes.t_[:], rate=rates.rate_[:],
                vs=states.v[:], gaps=states.gap[:], zs=states.z[:])
"""

#: Numbers of synapses by chance, subexpressions, chance in a pathway, inputs for parts of a group,
#: rows without times, states that are got and set.
DRAWN = """
seed(11)
G = NeuronGroup(96, '''dv/dt = -v/(5*ms) : 1
    x : 1
    when : second''', threshold='v > 0.5', reset='''v = 0
    when = lastspike''', refractory=2*ms, method='exact')
G.x = 'i*1.0/N'
S = Synapses(G, G, '''w : 1
    s = w*2 + x_pre - x_post : 1
    d : 1 (constant)''', on_pre='v_post += s*0.1*int(rand() < 0.7)')
S.connect('abs(x_pre - x_post) < 0.2 and rand() < 0.3', n='1 + int(rand()*2)')
S.w, S.d = 'exp(-(x_pre - x_post)**2)', 'randn()'
S.delay = '(0.1 + 0.5*abs(x_pre - x_post))*ms'
times = np.tile([1, 5, 9], 96) + np.repeat(np.arange(96)*0.01, 3).round(1)
generator = SpikeGeneratorGroup(96, np.repeat(np.arange(96), 3), times*ms)
D = Synapses(generator, G, on_pre='v_post += 0.6')
D.connect(j='i')
inputs = PoissonInput(G[10:70], 'v', 10, 50*Hz, 0.05)
G[5:90].run_regularly('v += 0.01*randn()', dt=0.5*ms)
spikes, counted = SpikeMonitor(G, variables=['v', 'x']), SpikeMonitor(G, 'v', record=False)
run(15*ms)
states = S.get_states(['w', 'd'], units=False)
S.set_states({'w': states['w']*0.5}, units=False)
run(5*ms)
trains = spikes.spike_trains()
results |= dict(s=S.s[:], w=S.w[:], d=states['d'], i=spikes.i[:], v=spikes.v[:],
                counted=counted.v[:], when=G.when_[:],
                trains=np.concatenate([np.array(trains[k]) for k in sorted(trains)]),
                outgoing=S.N_outgoing_pre, delay=np.array(S.delay[:]), large=S.s['s > 2'],
                places=S.indices['w > 0.4'])
"""

#: Groups large enough that neurons that rest are listed, and that threads pay; a threshold with the
#: state update before it; no delays.
RESTING = """
seed(21)
G = NeuronGroup(2500, '''dv/dt = (1.2 + ge - v)/(10*ms) : 1 (unless refractory)
    dge/dt = -ge/(5*ms) : 1''', threshold='v > 1', reset='v = 0', refractory=3*ms, method='exact')
G.v = 'rand()'
S = Synapses(G, G, on_pre='ge += 0.01')
S.connect(p=0.02)
spikes = SpikeMonitor(G)
run(30*ms)
results |= dict(first=np.array(G.v), awake=np.array(G.not_refractory))
G.lastspike[100:1500] = 29*ms
G.not_refractory[100:1500] = False
run(30*ms)
results |= dict(i=spikes.i[:], t=spikes.t_[:], v=G.v[:], ge=G.ge[:], last=G.lastspike_[:])
assert spikes.num_spikes > 2500
"""

#: Functions of the C library, for synapses whose number in a process is no multiple of anything.
COMPUTED = """
seed(22)
G = NeuronGroup(200, '''dv/dt = (1.2 - v)/(10*ms) : 1
    total : 1
    outside : 1''', threshold='v > 1', reset='v = 0', method='exact')
G.v = 'rand()'
S = Synapses(G, G, '''
    da/dt = (sin(3*a) + cos(a + b) - tanh(b) - a)/(0.2*ms) : 1 (clock-driven)
    db/dt = (log(1.5 + a**2) - (1 + abs(a))**0.7 - b)/(0.2*ms) : 1 (clock-driven)
    dc/dt = (arctan(a) + exp(-b) + log10(1.2 + a**2) - c)/(0.3*ms) : 1 (clock-driven)
    total_post = tan(0.3*sin(c)) + sinh(0.1*a)*cosh(0.1*b) : 1 (summed)''',
    on_pre='''a += 0.1*log(1.1 + b**2)
    v_post += 0.01*tanh(c)''', method='euler')
S.connect(p=0.07)
S.a, S.b, S.c = 'rand()', 'rand()', 'rand()'
T = Synapses(G, G, '''w : 1
    outside_pre = w*sin(v_post) + arcsin(0.5*w) : 1 (summed)''')
T.connect(p=0.07)
T.w = 'rand()'
run(12.3*ms)
results |= dict(a=S.a[:], b=S.b[:], c=S.c[:], v=G.v[:], total=G.total[:], outside=G.outside[:])
"""

#: Spikes that travel while the next time step begins: many and few of them, of two groups with
#: other shortest delays; runs that end in between.
TRAVELLING = """
seed(23)
G = NeuronGroup(1200, 'dv/dt = (1.3 - v)/(10*ms) : 1', threshold='v > 1', reset='v = 0',
                refractory=1*ms, method='exact')
H = NeuronGroup(150, 'dv/dt = (1.1 - v)/(5*ms) : 1', threshold='v > 1', reset='v = 0',
                method='exact')
G.v, H.v = 'rand()', 'rand()'
near = Synapses(G, G, 'w : 1', on_pre='v_post += w', delay=0.1*ms)
near.connect(p=0.02)
near.w = '0.01*rand()'
far = Synapses(H, G, on_pre='v_post -= 0.02')
far.connect(p=0.1)
far.delay = '0.3*ms + 2*ms*rand()'
back = Synapses(G, H, on_pre='v_post += 0.003', delay=1.5*ms)
back.connect(p=0.1)
spikes, others = SpikeMonitor(G), SpikeMonitor(H)
for k, duration in enumerate([0.1, 10, 0.3, 20.2, 7]):
    run(duration*ms)
    results[f'v{k}'] = np.array(G.v)
near.delay = 0.7*ms
run(15.1*ms)
results |= dict(i=spikes.i[:], t=spikes.t_[:], v=G.v[:], j=others.i[:], u=H.v[:])
assert spikes.num_spikes > 1000 and others.num_spikes > 100
"""
