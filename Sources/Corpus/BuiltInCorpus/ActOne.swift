extension BuiltInCorpus {
    /// The quay, the castle and the belfry: a letter home, and leave for one silent night.
    static let actOne = #"""
        DAME POTTLE:
        Herring! Who'll buy my herring? Herring so lately
        drowned that the widow has not yet bought her black!

        CRAKE:
        Good morrow, Dame Pottle. This fellow on the end has a
        mournful eye. I think he knows me.

        DAME POTTLE:
        He should, Tobit Crake. His brother went for a walk
        under thy coat on Monday, and is not come home.

        CRAKE:
        Do you call me thief, mistress?

        DAME POTTLE:
        I call thee customer, for courtesy; and I count my fish
        after thee, for arithmetic.

        First Fisherman:
        Peace, peace, the pair of you. Hark, there she speaks.

        Second Fisherman:
        Eight o'clock, and sweet as a plum. I could set my teeth
        by that bell.

        CRAKE:
        Ay, both of them.

        First Fisherman:
        Mock at her when thou hast been out past the Gossips in
        a fog. Two and twenty years she has fetched me home. I
        have shut my eyes, they being no use to me, and put my
        whole trust in my ears.

        CRAKE:
        Thou hadst the ears for it. A man so furnished needs no
        sail.

        DAME POTTLE:
        Laugh with thy cap off, rogue. When the good Duchess was
        a bride she went down to the founder's yard with her
        own silver in her apron, spoons and salts and
        candlesticks, and threw it in the pot with her own hand,
        that poor men might hear where the rocks were. Clemence
        she was, and Clemence the bell is; and I say the bell
        has her voice. I sold her turbot nine years. I should
        know.

        Second Fisherman:
        But why do they call the rocks Gossips, neighbour? I
        was born inland.

        First Fisherman:
        Because there are three of them, and they are never
        quiet, and no good name that went in amongst them ever
        came out whole.

        BULRUSH:
        Now, masters, now. What is this? Three is company, four
        is a congregation, and five I am bound to notice.

        DAME POTTLE:
        Master Constable, take up this man for my herring.

        BULRUSH:
        Did you see him steal it?

        DAME POTTLE:
        I saw him look at it, and when he had done looking it
        was not there.

        BULRUSH:
        Why, so do I look at the moon, mistress, and by morning
        it is gone, and no man takes me up for it. I have kept
        the peace in Orsany these twenty years, and I will tell
        you the secret: I never went near it. Peace is a sleeping
        mastiff. Your raw constable must needs be patting it.

        CRAKE:
        O deep officer!

        BULRUSH:
        There is but one law I have by heart, because it is
        short, and cut over the tower door, where I stand out
        of the rain. 'Who stills the bell, let him be still.'
        That is hanging, neighbours. From the Duke's cook to
        the Duke's cousin, whoso makes her dumb, he dangles.

        First Fisherman:
        And who would do it? As soon put out the moon for
        shining on the bed.

        DAME POTTLE:
        There is a window in the castle yonder that needs no
        moon. It has had a candle in it every night since she
        died. They say the Duke cannot sleep. They say he has
        written at last to bring the young Prince home.

        CRAKE:
        They say, they say! And what else do they say?

        DAME POTTLE:
        They say thy stocking has a tail. Constable, look at his
        leg! It swims!

        CRAKE:
        Then I must follow it, mistress, before it reaches the
        water.

        BULRUSH:
        See how he runs! Now if I should run too, there would be
        two men running, and that is a riot. I will stand here
        and be an example.

        DUKE HADRIAN:
        What hour was that?

        THIMBLE:
        Eight, master; the very same we had yesterday. We are a
        saving dukedom. We turn our hours, like old coats, and
        wear the other side.

        DUKE HADRIAN:
        I heard her give me one, and two, and three,
        And all the little quarters in their train,
        And every stroke fell on me like a name.
        Three winters, Ismay. Strung upon a thread,
        A thousand nights, black beads, and I have told
        Each one, and never yet come to the cross.
        Men talk of sleep as beggars talk of feasts
        They smelt in passing. I have smelt it too:
        It walks along my gallery, it stops
        To breathe against my door, and then goes by
        And lies down with the grooms.

        LADY ISMAY:
        You keep your grief as misers keep their gold:
        You bring it out by night to count it over,
        And marvel that the counting does not spend it.
        She loved a laden board, a dance, a jest.
        O brother, she'd be sorry to have been
        The cause of such bad company as you.

        DUKE HADRIAN:
        The cause? She calls me hourly from the tower.
        They poured her silver, and they poured her voice.
        When Ambrose was a boy upon the sands
        And supper smoking, she would call him in
        Upon that note, the very fall of it,
        A thing half chiding and half laughing. Hark,
        It hangs there still; it will not leave the air.

        THIMBLE:
        And did he come, master?

        DUKE HADRIAN:
        He came to her. He never came to me.

        THIMBLE:
        Why, there is the whole art of fowling. She used a
        whistle, and you used a stone.

        LADY ISMAY:
        The fool has hit the bird that you have missed.

        DUKE HADRIAN:
        He came from hawking to his mother's bed
        Three hours too late, with bracken on his cloak,
        And stood there like a man who has mislaid
        Some trifle, and forgets what he came in for.
        I could not strike at death. I struck at him.
        I said, 'Go out, and let me never hear
        Thy name again.' He took me at my word.
        In one and twenty years of my commands
        It was the first he kept.

        LADY ISMAY:
        And keeps it yet, for want of any other.

        DUKE HADRIAN:
        No, I have sent another. There's a ship
        Went out a month ago for Brede with this.
        It cost three winters, and it runs nine words:
        'The house is cold. The gate is open. Come.'

        LADY ISMAY:
        Good words, and warm. But is not one left out?

        DUKE HADRIAN:
        I know the word you mean. I had it, Ismay,
        Upon the pen; it dried there, and fell off.
        I have signed treaties, yielded up two forts,
        And begged a truce in rain before a tent;
        But that one word, to him, I cannot say.

        CORVIN:
        My lord, no answer yet. The roads are foul,
        The couriers fat. Good morrow, lady mother.
        How has your highness slept?

        DUKE HADRIAN:
        Ask her up there, who slept as well as I.

        CORVIN:
        It is a thing I never dared to broach,
        But love grows bold with looking on your eyes.
        When children keep us waking with their noise
        We do not love them less to shut the door.
        Why must she ring to-morrow? One night's peace,
        Your casement dark, a cup of poppy syrup,
        And you would rise so mended with the Friday
        That you would bless the silence, and her too.

        LADY ISMAY:
        It is the law, my son. The bell is life.

        CORVIN:
        To ships at sea; and there's no ship looked for.
        The herring fleet lies in to mend its nets.
        And it is law for such as, of themselves,
        Lay hands on her. The lord who made the rule
        May lift it from its nail for one night's space
        And hang it up next day no whit the worse.

        DUKE HADRIAN:
        One night. My God, to sleep through one whole night.

        THIMBLE:
        Take the tongue out of a bell, master, and what is left?
        A great hat with no head in it; and we have lords enough.

        DUKE HADRIAN:
        Peace, Thimble. Give me paper. Thus it runs:
        'For this one night, and if the night be fair,
        Let Clemence hold her tongue until the day.'
        Mark that: if it be fair. If there be cloud
        As broad as would make mittens for a child,
        A breath, a ring about the moon, a gull
        Too far inland, she speaks. You'll see to it?

        CORVIN:
        As to my prayers, my lord. I say them nightly.

        LADY ISMAY:
        I do not like it. On the night she died
        She had us set the casement wide, to hear.
        She smiled at every stroke. O, let it be.

        DUKE HADRIAN:
        I heard them too. I've heard them ever since.
        Come in, and let me lean upon your arm.

        CORVIN:
        So: paper, wax, and one poor weary hand.
        I forced no lock. I did but lean a little
        Against a door that groaned to be let go.
        Here is my cousin's answer, two days old:
        'Sir, I am coming home. The Good Intent
        Will make the bar on Thursday after dark.
        Have Clemence ring me in.' Have Clemence ring!
        He never asked for bread but it would chime.
        And what have I been doing, these three years?
        I found the spectacles, I held the cup,
        I sat through suppers silent as a spoon,
        I know what every mooring pays, and when,
        And which of all the councillors are bought,
        And which are merely cheap; and shall I stand
        Bareheaded at the gate to give the keys
        To one who'll lose them in a week, and say,
        'Sweet cousin, was the crossing to your mind?'
        The pilots look to southward, and spit thrice.
        It will not, on my life, be fair to-morrow;
        And here are some few words that say it must,
        And here a little knife that mends my pens.
        I am no murderer. I'll lift no hand.
        The sea shall do it; and who hangs the sea?

        BARNABY:
        Mind the ninth stair, my girl. It never minded thee.

        WINIFRED:
        I could come up asleep. I think I have.

        BARNABY:
        Is the gudgeon greased? Is the rope dry? Then sit, and
        read me what she has about her lip.

        WINIFRED:
        You know it, father. You have had it pat
        Since I was shorter than the bucket there.

        BARNABY:
        I know it as a blind man knows his wife, all by heart
        and all on trust. Read it. I like to hear it come out
        of the metal.

        WINIFRED:
        'My mouth is round, and all my word is one:
        I call them home, and call till they are come.'

        BARNABY:
        There's preaching! I have sat under six parsons, and not
        one could get it so short. And the Duchess made that?

        WINIFRED:
        She made it at our table, with the ink
        In an old oyster shell; and when I asked
        What all the scratches were, she laughed and said,
        'They are a kind of bell for folk far off,'
        And led my fist in hers from A to Z.
        All I have read since then, I read by her.

        BARNABY:
        And the boy Ambrose sat just there, where he had no
        business, with his feet hung over the whole of Orsany,
        eating my cheese.

        WINIFRED:
        Was it just there? I have forgotten where.

        BARNABY:
        Thou hast swept round that place three years as if it
        were an altar. I do not call that forgetting.

        WINIFRED:
        He asked me once how such a mighty thing
        Could speak so well, and have no matter in it.
        I told him, 'Sir, consider how lords do.'
        He laughed until the pigeons left the louvres.
        The whole town heard. I have not since that day
        Known any sound in Orsany go up;
        It all comes down, and lies about like leaves.
        Why do you rub your thumb?

        BARNABY:
        It aches to the root, and the gulls are walking in the
        cabbages. There is weather in the south, Win, and it
        has its boots on. It will be upon us by candle-time
        to-morrow.

        WINIFRED:
        Then let it come. It finds us at our post.
        There is no night so black, no sea so steep,
        But she can throw a rope of sound across it,
        And some poor fellow, with his mouth all salt,
        Lay hold, and draw his life in, hand by hand.
        To-morrow I must go to Gannet Head
        To bear my aunt her flour; but trust my feet:
        I shall be back before you loose the rope.

        BARNABY:
        Stand clear now, and stop thine ears. It wants but a
        breath of nine, and she has never yet been late.
        """#
}
